/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conn: tracked flows, listed and deleted.
 *
 * A table of a quarter of a million flows is walked in slices, the engine lock held for one slice
 * at a time; a listing goes on only as fast as its client reads.
 */
#include "control/verbs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fw/opt.h"

#define SLICE	    256 /* flows per hold of the lock */
#define PIECE_BYTES (64 * 1024)

struct listing {
	struct fw_ct_filter filter;
	char state[24];
	bool json;
	uint64_t cursor;
};

static int parse_number(const char *key, const char *word, uint64_t max, int *ret,
			struct fw_err *err)
{
	uint64_t n;

	if (fw_parse_u64(word, 0, max, &n))
		return fw_fail(err, FW_ERR_USAGE, "%s: '%s' is not in 0..%" PRIu64, key, word, max);
	*ret = (int)n;
	return 0;
}

static int parse_proto(const char *word, int *ret, struct fw_err *err)
{
	static const struct {
		const char *name;
		int number;
	} known[] = {{"tcp", 6},    {"udp", 17},  {"icmp", 1},	    {"icmpv6", 58},
		     {"sctp", 132}, {"dccp", 33}, {"udplite", 136}, {"gre", 47}};

	for (size_t i = 0; i < FW_ARRAY_SIZE(known); i++) {
		if (strcmp(known[i].name, word))
			continue;
		*ret = known[i].number;
		return 0;
	}
	return parse_number("proto", word, 255, ret, err);
}

/* What was said before and what is said now must be one family. */
static int set_family(struct fw_ct_filter *f, enum fw_family family, const char *word,
		      struct fw_err *err)
{
	if (f->family >= 0 && f->family != (int)family)
		return fw_fail(err, FW_ERR_USAGE, "'%s' is of the other family", word);
	f->family = (int)family;
	return 0;
}

static int parse_address(struct fw_ct_filter *f, const char *word, union fw_addr *ret,
			 struct fw_err *err)
{
	enum fw_family family;
	int r = fwd_arg_address(word, &family, ret, err);

	return r ? r : set_family(f, family, word, err);
}

static int parse_pair(struct listing *l, const char *key, const char *value, struct fw_err *err)
{
	struct fw_ct_filter *f = &l->filter;
	enum fw_family family;
	int r;

	if (!strcmp(key, "family")) {
		r = fwd_arg_family(value, &family, err);
		return r ? r : set_family(f, family, value, err);
	}
	if (!strcmp(key, "proto"))
		return parse_proto(value, &f->proto, err);
	if (!strcmp(key, "sport"))
		return parse_number(key, value, 65535, &f->sport, err);
	if (!strcmp(key, "dport"))
		return parse_number(key, value, 65535, &f->dport, err);
	if (!strcmp(key, "src")) {
		f->has_src = true;
		return parse_address(f, value, &f->src, err);
	}
	if (!strcmp(key, "dst")) {
		f->has_dst = true;
		return parse_address(f, value, &f->dst, err);
	}
	if (!strcmp(key, "state") && strlen(value) < sizeof(l->state)) {
		strcpy(l->state, value);
		f->state = l->state;
		return 0;
	}
	fw_fail(err, FW_ERR_USAGE, "conn: unknown key '%s'", key);
	fw_err_hint(err, "keys: family proto src dst sport dport state");
	return -EINVAL;
}

static int parse(struct fwd_call *call, struct listing *l, struct fw_err *err)
{
	unsigned int i = 0;

	l->filter = (struct fw_ct_filter){.family = -1, .proto = -1, .sport = -1, .dport = -1};
	if (call->n_args && !strcmp(call->args[0], "json")) {
		l->json = true;
		i = 1;
	}
	for (; i < call->n_args; i += 2) {
		if (i + 1 == call->n_args)
			return fw_fail(err, FW_ERR_USAGE, "conn: '%s' needs a value",
				       call->args[i]);
		if (parse_pair(l, call->args[i], call->args[i + 1], err)) {
			fwd_arg_at(call, call->args[i], err);
			return -EINVAL;
		}
	}
	return 0;
}

static bool list_more(struct fwd *d, void *priv, struct fw_buf *out)
{
	struct listing *l = priv;
	size_t before = out->len;

	do {
		pthread_mutex_lock(&d->core.lock);
		fw_ct_list(d->core.world.ct, &l->cursor, SLICE, &l->filter, fwd_now(), l->json,
			   out);
		pthread_mutex_unlock(&d->core.lock);
	} while (l->cursor && out->len - before < PIECE_BYTES);
	return l->cursor;
}

int fwd_verb_conn_list(struct fwd_call *call, struct fw_err *err)
{
	struct listing *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return fw_fail(err, FW_ERR_RESOURCE, "out of memory");
	r = parse(call, l, err);
	if (r) {
		free(l);
		return r;
	}
	fwd_kernel_sync(call->d->editor.kernel);
	call->more = list_more;
	call->more_priv = l;
	return 0;
}

int fwd_verb_conn_count(struct fwd_call *call, struct fw_err *err)
{
	struct fwd_core *core = &call->d->core;

	if (call->n_args)
		return fw_fail(err, FW_ERR_USAGE, "conn count takes no words");
	fwd_kernel_sync(call->d->editor.kernel);
	pthread_mutex_lock(&core->lock);
	fw_buf_u64(call->out, fw_ct_stats(core->world.ct)->flows);
	pthread_mutex_unlock(&core->lock);
	fw_buf_char(call->out, '\n');
	return 0;
}

static void delete_flows(struct fwd_call *call, struct listing *l)
{
	struct fwd_core *core = &call->d->core;
	uint64_t gone = 0;

	do {
		pthread_mutex_lock(&core->lock);
		gone += fw_ct_delete(core->world.ct, &l->cursor, SLICE, &l->filter, fwd_now());
		pthread_mutex_unlock(&core->lock);
	} while (l->cursor);
	fw_buf_u64(call->out, gone);
	fw_buf_char(call->out, '\n');
}

int fwd_verb_conn_delete(struct fwd_call *call, struct fw_err *err)
{
	struct listing l = {.cursor = 0};
	int r;

	if (!call->n_args) {
		fw_fail(err, FW_ERR_USAGE, "conn delete: which flows?");
		fw_err_hint(err, "name some by KEY VALUE, or use conn flush for all");
		return -EINVAL;
	}
	r = parse(call, &l, err);
	if (r)
		return r;
	delete_flows(call, &l);
	return 0;
}

int fwd_verb_conn_flush(struct fwd_call *call, struct fw_err *err)
{
	struct listing l = {.filter = {.family = -1, .proto = -1, .sport = -1, .dport = -1}};

	if (call->n_args)
		return fw_fail(err, FW_ERR_USAGE, "conn flush takes no words");
	delete_flows(call, &l);
	return 0;
}
