/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A packet between words (describe.c) and bytes (bytes.c). */
#ifndef FWCTL_DRAFT_H
#define FWCTL_DRAFT_H

#include "describe.h"

struct ctl_endpoint {
	union fw_addr addr;
	uint16_t port;
	bool given;
};

struct ctl_draft {
	struct ctl_packet *p;
	const struct fw_resolver *resolver;
	struct ctl_endpoint ends[2];
	int n_ends;
	bool family_known, proto_given;
	uint8_t proto, flags, type, code, ttl, tos;
	uint32_t len;
	struct fw_err *err;
};

/* Fill draft->p's data, cap_len and len from the rest. */
void ctl_draft_build(const struct ctl_draft *d);

/* Protocols and TCP flags by the names that describe them; NULL ends the list. */
struct ctl_word {
	const char *name;
	uint8_t value;
};
extern const struct ctl_word ctl_protos[], ctl_flags[];

#endif
