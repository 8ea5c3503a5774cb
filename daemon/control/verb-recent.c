/* SPDX-License-Identifier: GPL-2.0-or-later */
/* recent: lists of addresses by command, as /proc/net/xt_recent is written and read. */
#include "control/verbs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLICE	    64 /* entries for which the lock is held */
#define PIECE_BYTES (64 * 1024)

static int need(struct fwd_call *call, unsigned int n, const char *what, struct fw_err *err)
{
	if (call->n_args == n)
		return 0;
	return fw_fail(err, FW_ERR_USAGE, "recent %s takes %s", call->req->words[1], what);
}

static int no_list(struct fwd_call *call, const char *name, struct fw_err *err)
{
	fw_fail(err, FW_ERR_USAGE, "there is no recent list '%s'", name);
	fwd_arg_at(call, name, err);
	fw_err_hint(err, "a list is there while a rule with -m recent --name %s is", name);
	return -EINVAL;
}

struct listing {
	uint64_t cursor;
	char name[];
};

static int print_some(struct fwd *d, struct listing *l, struct fw_buf *out)
{
	int r;

	fwd_core_slice(&d->core);
	r = fw_recent_print(d->core.world.recent, l->name, &l->cursor, SLICE, out);
	fwd_core_slice_end(&d->core);
	return r;
}

/* A list that goes away meanwhile ends here. */
static bool list_more(struct fwd *d, void *priv, struct fw_buf *out)
{
	struct listing *l = priv;
	size_t before = out->len;

	while (l->cursor && out->len - before < PIECE_BYTES)
		if (print_some(d, l, out))
			l->cursor = 0;
	return l->cursor;
}

int fwd_verb_recent_list(struct fwd_call *call, struct fw_err *err)
{
	struct listing *l;

	if (call->n_args > 1)
		return need(call, 1, "at most a NAME", err);
	fwd_policy_collect(&call->d->editor);
	if (!call->n_args) {
		fw_recent_names(call->d->core.world.recent, call->out);
		return 0;
	}
	l = calloc(1, sizeof(*l) + strlen(call->args[0]) + 1);
	if (!l)
		return fw_fail(err, FW_ERR_RESOURCE, "out of memory");
	strcpy(l->name, call->args[0]);
	if (print_some(call->d, l, call->out)) {
		free(l);
		return no_list(call, call->args[0], err);
	}
	call->more = list_more; /* nothing, where that was all */
	call->more_priv = l;
	return 0;
}

/* add and del: NAME ADDR. */
static int change(struct fwd_call *call, bool add, struct fw_err *err)
{
	struct fwd_core *core = &call->d->core;
	enum fw_family family;
	union fw_addr addr;
	int r;

	r = need(call, 2, "NAME ADDR", err);
	if (r)
		return r;
	if (fwd_arg_address(call->args[1], &family, &addr, err)) {
		fwd_arg_at(call, call->args[1], err);
		return -EINVAL;
	}
	fwd_kernel_revoke(call->d->editor.kernel); /* it may drop by what the list says */
	fwd_core_slice(core);
	if (add)
		r = fw_recent_add(core->world.recent, call->args[0], family, &addr, fwd_now());
	else
		r = fw_recent_remove(core->world.recent, call->args[0], family, &addr);
	fwd_core_slice_end(core);
	fwd_kernel_resume(call->d->editor.kernel);
	call->d->editor.dirty |= !r;
	return r ? no_list(call, call->args[0], err) : 0;
}

int fwd_verb_recent_add(struct fwd_call *call, struct fw_err *err)
{
	return change(call, true, err);
}

int fwd_verb_recent_del(struct fwd_call *call, struct fw_err *err)
{
	return change(call, false, err);
}

int fwd_verb_recent_flush(struct fwd_call *call, struct fw_err *err)
{
	struct fwd_core *core = &call->d->core;
	struct recent_entry *gone;
	int r;

	r = need(call, 1, "a NAME", err);
	if (r)
		return r;
	fwd_kernel_revoke(call->d->editor.kernel);
	fwd_core_slice(core);
	r = fw_recent_flush(core->world.recent, call->args[0]);
	fwd_core_slice_end(core);
	fwd_kernel_resume(call->d->editor.kernel);
	do {
		fwd_core_slice(core);
		gone = fw_recent_gone(core->world.recent, call->args[0], SLICE);
		fwd_core_slice_end(core);
	} while (fw_recent_free_gone(gone));
	call->d->editor.dirty |= !r;
	return r ? no_list(call, call->args[0], err) : 0;
}
