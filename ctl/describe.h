/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A packet described in words becomes bytes.  Pure. */
#ifndef FWCTL_DESCRIBE_H
#define FWCTL_DESCRIBE_H

#include "fw/err.h"
#include "fw/eval.h"
#include "fw/opt.h"
#include "fw/packet.h"

struct ctl_packet {
	enum fw_family family;
	uint8_t data[128];
	uint32_t cap_len, len;
	struct fw_pkt_meta meta; /* interfaces, mark, MAC, uid; ctinfo from "state" */
	bool has_hook; /* meta.hook was named, else it follows from the interfaces */
};

/*
 * [in IF] [out IF] [PROTO] SRC[:PORT] [to|->] DST[:PORT] [syn|ack|fin|rst|psh|urg]...
 * [type N [code N]] [state STATE] [hook HOOK] [ttl N] [tos N] [len N] [mark N] [uid N] [mac MAC]
 *
 * IPv6 with a port is [ADDR]:PORT.  Words may also come several in one string.
 *
 * @columns  of each of words, for errors (NULL: none)
 *
 * 0 or -EINVAL with err.
 */
int ctl_describe(struct ctl_packet *p, enum fw_family family, size_t n, const char *const *words,
		 const uint32_t *columns, const struct fw_resolver *resolver, struct fw_err *err);

/* One line: "tcp 192.0.2.1:4000 -> 10.0.0.5:22 SYN len 60". */
void ctl_packet_summary(const struct fw_packet *pkt, struct fw_buf *out);

/* The hooks a packet with these interfaces passes, in order; at most FW_N_HOOKS.  */
size_t ctl_packet_path(const struct ctl_packet *p, enum fw_hook *ret);

/* NEW, ESTABLISHED …: any case.  0 or -1. */
int ctl_state_by_name(const char *name, enum fw_ctinfo *ret);
int ctl_hook_by_name(const char *name, enum fw_hook *ret);

#endif
