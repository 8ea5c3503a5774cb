/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What extensions share beyond fw/opt.h: scanners, printers, refusals in one voice. */
#ifndef OPT_OPT_H
#define OPT_OPT_H

#include "fw/ext.h"

/* A number at the start of word; the first character after it, or NULL when there is none or it
 * does not fit. */
const char *fw_scan_u64(const char *word, uint64_t *ret);

/* LO[sepHI] with either side left out: min and max.  0, or -1 (also when HI < LO). */
int fw_parse_range(const char *word, char sep, uint64_t min, uint64_t max, uint64_t ret[2]);
void fw_print_range(uint64_t lo, uint64_t hi, char sep, struct fw_buf *out);

/* Seconds of "s", "sec", "minute" … cut short as one likes; 0: no unit. */
uint32_t fw_parse_unit(const char *word);

/* VALUE[/MASK]. */
int fw_parse_mark(const char *word, uint32_t *value, uint32_t *mask);
void fw_print_mark(uint32_t value, uint32_t mask, struct fw_buf *out);

/* LO[-HI], one address or two of the family; 0, or -1. */
int fw_parse_addr_range(const char *word, enum fw_family family, union fw_addr *lo,
			union fw_addr *hi);

/* An address option's word, through the resolver if it is a name. */
int fw_parse_host(const struct fw_parse_ctx *ctx, const char *word, union fw_addr *ret,
		  struct fw_err *err);

/* "ext: --option: 'word' WHY": refuse an option's value.  why goes on with what was expected;
 * words as xtables' generic option parser says it. */
int fw_opt_refuse(struct fw_err *err, const struct fw_use *use, const struct fw_opt *opt,
		  const char *word, const char *why);

/* A number out of the row's range; a range LO:HI of which one part is. */
int fw_opt_out_of_range(struct fw_err *err, const struct fw_use *use, const struct fw_opt *opt,
			const char *word);
int fw_opt_bad_range(struct fw_err *err, const struct fw_use *use, const struct fw_opt *opt,
		     const char *word);
/* The largest number that the row takes. */
uint64_t fw_opt_max(const struct fw_opt *opt);

/* May the row be given (again, with !, beside what was given)?  0, or -EINVAL with err. */
int fw_opt_may_stand(const struct fw_use *use, const struct fw_opt *opt, bool inverted,
		     struct fw_err *err);

/* The same for a mark, whose words are others. */
int fw_opt_refuse_mark(struct fw_err *err, const struct fw_use *use, const struct fw_opt *opt,
		       const char *word);

/* deploy callbacks: refuse a rule's mark that has bits of the daemon's own.  0, or the error. */
int fw_use_may_mark(const struct fw_use *use, uint32_t mark, const struct fw_tx_env *env,
		    struct fw_err *err);

/* Name of a port as -L without -n shows it, or NULL.  proto: IPPROTO_*. */
const char *fw_service_name(uint16_t port, uint8_t proto);

static inline bool fw_addr_less_eq(const union fw_addr *a, const union fw_addr *b)
{
	return __builtin_memcmp(a, b, sizeof(*a)) <= 0;
}

#endif
