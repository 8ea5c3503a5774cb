/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A packet as one line of log, worded exactly as the kernel's nf_log_syslog words it, because
 * log watchers everywhere read that.  No allocation: a line that would be longer ends there, as
 * the kernel's does.
 */
#ifndef TARGETS_LOGLINE_H
#define TARGETS_LOGLINE_H

#include "fw/eval.h"

#define LOG_TCP_SEQUENCE 0x01 /* values of XT_LOG_*: -L -n prints the number */
#define LOG_TCP_OPTIONS  0x02
#define LOG_IP_OPTIONS   0x04
#define LOG_UID          0x08
#define LOG_MACDECODE    0x20

#define LOGLINE_MAX 1019

struct logline {
	char text[LOGLINE_MAX + 1];
	size_t len;
	const struct fw_packet *pkt;
	unsigned int flags;
};

void logline_make(struct logline *l, const struct fw_eval *e, unsigned int flags,
		  const char *prefix);

/* Inside of the two files.  false: the packet is cut off and the line goes no further. */
void logline_add(struct logline *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Bytes of the packet, big-endian numbers; NULL where it ends before them. */
const uint8_t *logline_bytes(const struct logline *l, uint32_t off, uint32_t n);
uint32_t logline_rest(const struct logline *l, uint32_t off); /* from off to the packet's end */
uint32_t logline_be16(const uint8_t *p);
uint32_t logline_be32(const uint8_t *p);
void logline_hex(struct logline *l, const uint8_t *p, uint32_t n);
bool logline_tcp(struct logline *l, uint32_t off, bool fragment);
bool logline_udp(struct logline *l, uint32_t off, bool fragment, uint8_t proto);
bool logline_ip6(struct logline *l, uint32_t off, bool inner);

#endif
