/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a rule asks of each field, as sets of intervals.
 *
 * A set may be larger than what the rule matches, never smaller: a rule that the index does not
 * name is not looked at.  Collecting ends where a plain walk could have an effect: at the first
 * match with state, and behind one that may drop the packet outright.
 */
#include <string.h>

#include "classify/classify.h"

static const fw_u128 U128_MAX = ~(fw_u128)0;

fw_u128 fw_field_max(enum field field, enum fw_family family)
{
	switch (field) {
	case F_PROTO:
	case F_TCP_FLAGS: return 255;
	case F_CTSTATE: return FW_N_CTINFO - 1;
	case F_SPORT:
	case F_DPORT:
	case F_ICMP: return 65535;
	case F_MARK:
	case F_IN:
	case F_OUT: return UINT32_MAX;
	default: return family == FW_IP4 ? UINT32_MAX : U128_MAX;
	}
}

static enum field field_of(const struct fw_fields *f, enum fw_field field)
{
	switch (field) {
	case FW_FIELD_SRC: return f->late ? F_SRC_LATE : F_SRC;
	case FW_FIELD_DST: return f->late ? F_DST_LATE : F_DST;
	case FW_FIELD_PROTO: return F_PROTO;
	case FW_FIELD_SPORT: return F_SPORT;
	case FW_FIELD_DPORT: return F_DPORT;
	case FW_FIELD_TCP_FLAGS: return F_TCP_FLAGS;
	case FW_FIELD_CTSTATE: return F_CTSTATE;
	case FW_FIELD_ICMP: return F_ICMP;
	case FW_FIELD_MARK: return F_MARK;
	default: return N_FIELDS;
	}
}

/* Sort, join what overlaps or touches. */
static void normalize(struct set *s)
{
	uint16_t n = 0;

	for (uint16_t i = 1; i < s->n; i++) {
		struct range r = s->r[i];
		uint16_t k = i;

		for (; k && s->r[k - 1].lo > r.lo; k--)
			s->r[k] = s->r[k - 1];
		s->r[k] = r;
	}
	for (uint16_t i = 0; i < s->n; i++) {
		if (n && (s->r[n - 1].hi == U128_MAX || s->r[i].lo <= s->r[n - 1].hi + 1)) {
			if (s->r[i].hi > s->r[n - 1].hi)
				s->r[n - 1].hi = s->r[i].hi;
		} else {
			s->r[n++] = s->r[i];
		}
	}
	s->n = n;
}

/* a := a and b; false when the result has too many parts (a is then unchanged). */
static bool intersect(struct set *a, const struct set *b)
{
	struct set out = {.n = 0};

	for (uint16_t i = 0, k = 0; i < a->n && k < b->n;) {
		fw_u128 lo = a->r[i].lo > b->r[k].lo ? a->r[i].lo : b->r[k].lo;
		fw_u128 hi = a->r[i].hi < b->r[k].hi ? a->r[i].hi : b->r[k].hi;

		if (lo <= hi) {
			if (out.n == SET_MAX)
				return false;
			out.r[out.n++] = (struct range){lo, hi};
		}
		if (a->r[i].hi < b->r[k].hi)
			i++;
		else
			k++;
	}
	a->n = out.n;
	memcpy(a->r, out.r, out.n * sizeof(out.r[0]));
	return true;
}

/* The rule asks for a value of `s` in the field. */
static void constrain(struct fw_fields *f, enum field field, struct set *s)
{
	normalize(s);
	if (s->n == 1 && s->r[0].lo == 0 && s->r[0].hi == fw_field_max(field, f->family))
		return;
	if (!(f->used & FIELD_BIT(field))) {
		f->used |= FIELD_BIT(field);
		f->set[field].open = false;
		f->set[field].n = s->n;
		memcpy(f->set[field].r, s->r, s->n * sizeof(s->r[0]));
	} else if (!intersect(&f->set[field], s)) {
		f->exact = false;
	}
}

/* A single interval, or everything but it. */
static void constrain_range(struct fw_fields *f, enum field field, fw_u128 lo, fw_u128 hi,
			    bool inverted)
{
	struct set *s = &f->tmp;

	s->n = 0;
	if (!inverted) {
		s->r[s->n++] = (struct range){lo, hi};
	} else {
		if (lo)
			s->r[s->n++] = (struct range){0, lo - 1};
		if (hi < fw_field_max(field, f->family))
			s->r[s->n++] = (struct range){hi + 1, fw_field_max(field, f->family)};
	}
	constrain(f, field, s);
}

void fw_fields_begin(struct fw_fields *f, enum fw_field field)
{
	enum field own = field_of(f, field);

	f->now = own == N_FIELDS ? -1 : (int)own;
	f->overflow = false;
	f->tmp.n = 0;
}

static void add(struct fw_fields *f, fw_u128 lo, fw_u128 hi)
{
	struct range *last = f->tmp.n ? &f->tmp.r[f->tmp.n - 1] : NULL;

	if (lo > hi)
		return;
	if (last && lo && last->hi == lo - 1) {
		last->hi = hi;
		return;
	}
	if (f->tmp.n == SET_MAX)
		normalize(&f->tmp);
	if (f->tmp.n == SET_MAX)
		f->overflow = true;
	else
		f->tmp.r[f->tmp.n++] = (struct range){lo, hi};
}

void fw_fields_add(struct fw_fields *f, uint32_t lo, uint32_t hi)
{
	add(f, lo, hi);
}

void fw_fields_add_addr(struct fw_fields *f, const union fw_addr *lo, const union fw_addr *hi)
{
	add(f, fw_addr_value(lo, f->family), fw_addr_value(hi, f->family));
}

void fw_fields_end(struct fw_fields *f)
{
	if (f->now < 0 || f->overflow || f->barrier)
		f->exact = false;
	else
		constrain(f, (enum field)f->now, &f->tmp);
	f->now = -1;
}

void fw_fields_barrier(struct fw_fields *f)
{
	f->barrier = true;
	f->exact = false;
}

/* An address under a mask.  Of a mask with holes only the leading ones are used. */
static void generic_addr(struct fw_fields *f, enum field field, const union fw_addr *addr,
			 const union fw_addr *mask, bool inverted)
{
	fw_u128 max = fw_field_max(field, f->family), m = fw_addr_value(mask, f->family);
	fw_u128 v = fw_addr_value(addr, f->family) & m, host = ~m & max;

	if (host & (host + 1)) {
		f->exact = false;
		if (inverted)
			return;
		for (unsigned int i = 1; i < 128; i *= 2)
			host |= host >> i;
		v &= ~host;
	}
	constrain_range(f, field, v, v | host, inverted);
}

static void generic_name(struct fw_fields *f, enum field field, const struct names *names,
			 const char *name, uint8_t cmp, bool inverted)
{
	struct range r = {0, UINT32_MAX};

	if (cmp)
		fw_names_range(names, name, cmp, &r);
	constrain_range(f, field, r.lo, r.hi, inverted);
}

static void generic(struct fw_fields *f, const struct fw_generic *g, const struct names names[2])
{
	generic_addr(f, F_SRC, &g->src, &g->src_mask, g->inv & FW_INV_SRC);
	generic_addr(f, F_DST, &g->dst, &g->dst_mask, g->inv & FW_INV_DST);
	if (names) {
		generic_name(f, F_IN, &names[0], g->in, g->in_cmp, g->inv & FW_INV_IN);
		generic_name(f, F_OUT, &names[1], g->out, g->out_cmp, g->inv & FW_INV_OUT);
	}
	if (g->proto)
		constrain_range(f, F_PROTO, g->proto, g->proto, g->inv & FW_INV_PROTO);
	if (g->frag)
		f->exact = false;
}

void fw_rule_fields(const struct fw_rule *rule, enum fw_family family, const struct names names[2],
		    struct fw_fields *f)
{
	f->family = family;
	f->used = 0;
	f->exact = true;
	f->late = f->barrier = false;
	f->now = -1;
	generic(f, &rule->gen, names);
	/* IPv6's -p drops a packet whose headers do not lead to a protocol. */
	f->late = family == FW_IP6 && rule->gen.proto;
	for (unsigned int i = 0; i < rule->n_matches && !f->barrier; i++) {
		const struct fw_ext *ext = rule->matches[i].ext;

		if (ext->flags & FW_EXT_STATEFUL) {
			f->exact = false;
			return;
		}
		if (!ext->fields || !ext->fields(&rule->matches[i], family, f))
			f->exact = false;
		if (ext->flags & FW_EXT_DROPS)
			fw_fields_barrier(f);
		/* Any match may look into the upper layer. */
		f->late = true;
	}
	for (unsigned int i = 0; i < rule->n_matches; i++)
		if (rule->matches[i].ext->flags & FW_EXT_STATEFUL)
			f->exact = false;
}
