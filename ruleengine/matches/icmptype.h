/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What icmp and icmp6 share: a type with a range of codes, by number or by name. */
#ifndef MATCHES_ICMPTYPE_H
#define MATCHES_ICMPTYPE_H

#include "opt/opt.h"

struct icmptype {
	uint8_t type, code[2];
};

struct icmp_name {
	const char *name;
	uint8_t type, code_lo, code_hi;
};

/* names end with {NULL}; what is "ICMP" or "ICMPv6" for errors. */
int icmptype_parse(const struct icmp_name *names, const char *what, const struct fw_opt *opt,
		   struct fw_use *use, const char *word, struct fw_err *err);
/* As -L: "type 8", " echo-request"; goes on directly after the name of the match. */
void icmptype_list(const struct icmp_name *names, const struct fw_use *use, bool numeric,
		   struct fw_buf *out);
void icmptype_print(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		    struct fw_buf *out);
/* Exact. */
bool icmptype_fields(const struct fw_use *use, struct fw_fields *f);
void icmptype_help(const struct icmp_name *names, const char *what, struct fw_buf *out);

#endif
