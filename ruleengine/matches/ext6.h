/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where an IPv6 packet's extension headers stand, for matches on one of them. */
#ifndef MATCHES_EXT6_H
#define MATCHES_EXT6_H

#include "fw/eval.h"

enum ext6 {
	EXT6_THERE,
	EXT6_NONE,
	EXT6_CUT /* the packet, or our copy, ends before it is known */
};

/* The first header of this type, as ipv6_find_hdr() finds it. */
enum ext6 ext6_find(const struct fw_packet *pkt, uint8_t type, uint32_t *off);

/* The same, and a packet that is cut is dropped at once.  0: not there. */
static inline uint32_t ext6_find_or_drop(struct fw_eval *e, uint8_t type)
{
	uint32_t off = 0;
	const enum ext6 r = ext6_find(e->pkt, type, &off);

	e->hotdrop |= r == EXT6_CUT;
	return r == EXT6_THERE ? off : 0;
}

#endif
