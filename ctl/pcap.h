/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Capture files in the classic format, as tcpdump -w writes them.  Pure. */
#ifndef FWCTL_PCAP_H
#define FWCTL_PCAP_H

#include "fw/err.h"
#include "fw/types.h"

struct ctl_pcap {
	const uint8_t *p, *end;
	bool swapped, nanoseconds;
	uint32_t link_type;
};

struct ctl_pcap_packet {
	const uint8_t *data; /* the IP header; borrowed from the file */
	uint32_t cap_len, len; /* of it, without the link layer's bytes */
	uint64_t time_ns; /* since 1970 */
	enum fw_family family;
	bool has_mac;
	uint8_t mac[6]; /* source, where the link layer has one */
};

/* 0, or -EINVAL with err: not a capture that this can read. */
int ctl_pcap_open(struct ctl_pcap *f, const void *data, size_t len, struct fw_err *err);
/* 1 and *ret filled; 0 at the end (also of a file that was cut off).  Packets that are not IP
 * are passed over. */
int ctl_pcap_next(struct ctl_pcap *f, struct ctl_pcap_packet *ret);

#endif
