/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One use of one extension for tests, made from words without the language's parser:
 *
 *	struct extuse u;
 *
 *	extuse_make(&u, "tcp", false, FW_IP4, IPPROTO_TCP, "--dport 22 ! --syn");
 *	assert_true(extuse_match(&u, &view));
 *	extuse_free(&u);
 *
 * Words are split at spaces; `~` stands for a space within a word.
 */
#ifndef EXTUSE_H
#define EXTUSE_H

#include <stdlib.h>
#include <string.h>

#include "fw/ext.h"
#include "fw/tx.h"

struct extuse {
	struct fw_use use;
	struct fw_parse_ctx ctx;
	struct fw_err err;
	struct fw_world world;
	struct fw_eval eval; /* of the last match or run */
	bool attached;
};

static inline const struct fw_opt *extuse_row(const struct fw_ext *ext, const char *word)
{
	for (const struct fw_opt *o = ext->opts; o && o->name; o++)
		if (!strcmp(o->name, word) || (o->alias && !strcmp(o->alias, word)))
			return o;
	return NULL;
}

static inline size_t extuse_split(char *text, const char **words, size_t max)
{
	size_t n = 0;

	for (char *save, *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		assert_true(n < max);
		for (char *p = w; *p; p++)
			if (*p == '~')
				*p = ' ';
		words[n++] = w;
	}
	return n;
}

static inline int extuse_take(struct extuse *u, const char *text)
{
	char copy[1024];
	const char *words[64];
	bool inverted = false;
	size_t n;
	int r = 0;

	assert_true(strlen(text) < sizeof(copy));
	strcpy(copy, text);
	n = extuse_split(copy, words, 64);
	for (size_t i = 0; i < n && !r; i++) {
		const struct fw_opt *row;

		if (!strcmp(words[i], "!")) {
			inverted = true;
			continue;
		}
		if (strncmp(words[i], "--", 2))
			fail_msg("no option: %s", words[i]);
		row = extuse_row(u->use.ext, words[i] + 2);
		if (!row)
			fail_msg("unknown option: %s", words[i]);
		assert_true(i + fw_opt_words(row) < n);
		r = fw_opt_take(&u->ctx, &u->use, row, inverted, words + i + 1, &u->err);
		i += fw_opt_words(row);
		inverted = false;
	}
	return r ? r : fw_use_check(&u->ctx, &u->use, &u->err);
}

/* 0, or the refusal in u->err.  To be freed in either case. */
static inline int extuse_try(struct extuse *u, const char *name, bool target, enum fw_family family,
			     uint8_t proto, const char *text)
{
	memset(u, 0, sizeof(*u));
	u->use.ext = fw_ext_find(name, target, family);
	assert_non_null(u->use.ext);
	u->use.size = u->use.ext->size;
	u->use.data = calloc(1, u->use.size + 1);
	u->use.state = calloc(1, u->use.ext->state_size + 1);
	u->ctx = (struct fw_parse_ctx){.family = family, .table = FW_FILTER, .proto = proto};
	u->world.rng = 1;
	if (u->use.ext->init)
		u->use.ext->init(&u->ctx, &u->use);
	return extuse_take(u, text);
}

static inline void extuse_make(struct extuse *u, const char *name, bool target,
			       enum fw_family family, uint8_t proto, const char *text)
{
	if (extuse_try(u, name, target, family, proto, text))
		fail_msg("%s %s: %s", name, text, u->err.msg);
}

static inline void extuse_attach(struct extuse *u, uint64_t now)
{
	if (u->use.ext->attach && u->use.ext->attach(&u->use, &u->world, now, &u->err))
		fail_msg("attach: %s", u->err.msg);
	u->attached = true;
}

static inline void extuse_free(struct extuse *u)
{
	if (u->attached && u->use.ext->detach)
		u->use.ext->detach(&u->use, &u->world);
	fw_world_reclaim(&u->world);
	free(u->use.data);
	free(u->use.state);
	memset(u, 0, sizeof(*u));
}

/* What the packet meets; u->eval may be prepared by hand and extuse_again() called instead. */
static inline void extuse_eval(struct extuse *u, const struct fw_packet *pkt, uint64_t now)
{
	u->eval = (struct fw_eval){.pkt = pkt, .world = &u->world, .now = now, .mark = pkt->meta.mark};
}

static inline bool extuse_match_at(struct extuse *u, const struct fw_packet *pkt, uint64_t now)
{
	extuse_eval(u, pkt, now);
	return u->use.ext->match(&u->use, &u->eval);
}

static inline bool extuse_match(struct extuse *u, const struct fw_packet *pkt)
{
	return extuse_match_at(u, pkt, 0);
}

/* Does `-m ext text` match the packet?  2 more where it is to be dropped at once. */
static inline int extuse_meets(const char *ext, const char *text, const struct fw_packet *view)
{
	struct extuse u;
	int r;

	extuse_make(&u, ext, false, view->family, view->proto, text);
	r = extuse_match(&u, view);
	if (u.eval.hotdrop)
		r += 2;
	extuse_free(&u);
	return r;
}

static inline enum fw_verdict extuse_run(struct extuse *u, const struct fw_packet *pkt)
{
	extuse_eval(u, pkt, 0);
	return u->use.ext->run(&u->use, &u->eval);
}

static inline void extuse_saves(struct extuse *u, const char *want)
{
	struct fw_buf out = FW_BUF_INIT;

	fw_use_save(&u->use, u->ctx.family, &out);
	assert_string_equal(fw_buf_cstr(&out), want);
	fw_buf_deinit(&out);
}

static inline void extuse_lists(struct extuse *u, bool numeric, const char *want)
{
	struct fw_buf out = FW_BUF_INIT;

	fw_use_list(&u->use, u->ctx.family, numeric, &out);
	assert_string_equal(fw_buf_cstr(&out), want);
	fw_buf_deinit(&out);
}

/* One row of a table of words: what goes in, what save and -L -n print, or the refusal's start. */
struct extcase {
	const char *ext;
	const char *text, *save, *list;
	const char *error;
	uint8_t proto;
	uint8_t family;
	bool target;
};

static inline void extuse_cases(const struct extcase *c, size_t n)
{
	for (size_t i = 0; i < n; i++, c++) {
		struct extuse u;
		int r = extuse_try(&u, c->ext, c->target, (enum fw_family)c->family, c->proto, c->text);

		if (c->error) {
			if (!r || strncmp(u.err.msg, c->error, strlen(c->error)))
				fail_msg("%s %s: '%s', want '%s'", c->ext, c->text, u.err.msg, c->error);
		} else {
			if (r)
				fail_msg("%s %s: %s", c->ext, c->text, u.err.msg);
			extuse_saves(&u, c->save);
			if (c->list)
				extuse_lists(&u, true, c->list);
		}
		extuse_free(&u);
	}
}

#endif
