/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * conn: tracked flows, listed, counted and deleted.
 *
 * A table of a quarter of a million flows is walked in slices, the engine lock held for one slice
 * at a time; a listing goes on only as fast as its client reads.  While the kernel tracks, our flows
 * are brought up to date first, and it forgets what is deleted.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/conn-words.h"

#define SLICE	    64 /* flows per hold of the lock */
#define PIECE_BYTES (64 * 1024)

struct listing {
	struct fwd_conn_words words;
	enum fw_ct_format format;
	uint64_t cursor;
};

static struct fw_ct_copies *copies; /* control thread; made for the first listing */

static bool list_more(struct fwd *d, void *priv, struct fw_buf *out)
{
	struct listing *l = priv;
	size_t before = out->len;

	do {
		fwd_core_slice(&d->core);
		fw_ct_copy(d->core.world.ct, &l->cursor, &l->words.filter, fwd_now(), copies);
		fwd_core_slice_end(&d->core);
		fw_ct_copies_list(copies, l->format, out);
	} while (l->cursor && out->len - before < PIECE_BYTES);
	return l->cursor;
}

/* A first word may say how; how many words that were. */
static unsigned int take_format(const struct fwd_call *call, enum fw_ct_format *ret)
{
	if (call->n_args && !strcmp(call->args[0], "json"))
		*ret = FW_CT_JSON;
	else if (call->n_args && !strcmp(call->args[0], "extended"))
		*ret = FW_CT_EXTENDED;
	else
		return 0;
	return 1;
}

int fwd_verb_conn_list(struct fwd_call *call, struct fw_err *err)
{
	struct listing *l = calloc(1, sizeof(*l));
	int r;

	if (!copies)
		copies = fw_ct_copies_new(SLICE);
	if (!l || !copies) {
		free(l);
		return fw_fail(err, FW_ERR_RESOURCE, "out of memory");
	}
	r = fwd_conn_words(call, take_format(call, &l->format), &l->words, err);
	if (r) {
		free(l);
		return r;
	}
	fwd_kernel_sync(call->d->editor.kernel);
	fwd_policy_collect(&call->d->editor);
	call->more = list_more;
	call->more_priv = l;
	return 0;
}

static void count_one(void *priv, const struct fw_ct_facts *facts)
{
	++*(uint64_t *)priv;
}

int fwd_verb_conn_count(struct fwd_call *call, struct fw_err *err)
{
	struct fwd_core *core = &call->d->core;
	struct fwd_conn_words words;
	uint64_t cursor = 0, n = 0;

	if (fwd_conn_words(call, 0, &words, err))
		return -EINVAL;
	fwd_kernel_sync(call->d->editor.kernel);
	do {
		fwd_core_slice(core);
		fw_ct_each(core->world.ct, &cursor, SLICE, &words.filter, fwd_now(), count_one, &n);
		fwd_core_slice_end(core);
	} while (cursor);
	fw_buf_u64(call->out, n);
	fw_buf_char(call->out, '\n');
	return 0;
}

struct deletion {
	struct fw_ct_facts gone[SLICE];
	size_t n;
};

static void note_one(void *priv, const struct fw_ct_facts *facts)
{
	struct deletion *d = priv;

	d->gone[d->n++] = *facts;
}

static void delete_flows(struct fwd_call *call, const struct fw_ct_filter *filter)
{
	struct fwd_core *core = &call->d->core;
	static struct deletion d; /* control thread */
	uint64_t cursor = 0, gone = 0;

	fwd_kernel_revoke(call->d->editor.kernel);
	fwd_kernel_sync(call->d->editor.kernel);
	do {
		d.n = 0;
		fwd_core_slice(core);
		gone += fw_ct_delete(core->world.ct, &cursor, SLICE, filter, fwd_now(), note_one,
				     &d);
		fwd_core_slice_end(core);
		fwd_kernel_forget(call->d->editor.kernel, d.gone, d.n);
	} while (cursor);
	fwd_kernel_resume(call->d->editor.kernel);
	fw_buf_u64(call->out, gone);
	fw_buf_char(call->out, '\n');
}

int fwd_verb_conn_delete(struct fwd_call *call, struct fw_err *err)
{
	struct fwd_conn_words words;

	if (!call->n_args) {
		fw_fail(err, FW_ERR_USAGE, "conn delete: which flows?");
		fw_err_hint(err, "name some by KEY VALUE, or use conn flush for all");
		return -EINVAL;
	}
	if (fwd_conn_words(call, 0, &words, err))
		return -EINVAL;
	delete_flows(call, &words.filter);
	return 0;
}

int fwd_verb_conn_flush(struct fwd_call *call, struct fw_err *err)
{
	if (call->n_args)
		return fw_fail(err, FW_ERR_USAGE, "conn flush takes no words");
	delete_flows(call, NULL);
	return 0;
}
