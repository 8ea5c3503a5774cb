/* SPDX-License-Identifier: GPL-2.0-or-later */
/* save and restore: the rules out and in. */
#include "control/verbs.h"

#include <errno.h>
#include <string.h>

#include "control/zeroed.h"
#include "fw/opt.h"
#include "fw/text.h"
#include "fw/tx.h"
#include "trial.h"

struct save {
	enum fw_family family;
	unsigned int flags; /* FW_SAVE_* */
	bool zero;
	const char *table, *chain, *number;
	enum fw_table_id id; /* of table */
};

static int bad_word(struct fwd_call *call, const char *word, struct fw_err *err)
{
	fw_fail(err, FW_ERR_USAGE, "%s: unexpected word '%s'", call->req->words[0], word);
	fwd_arg_at(call, word, err);
	return -EINVAL;
}

/* The word after args[*i], which must be there. */
static int next_word(struct fwd_call *call, unsigned int *i, const char **ret, struct fw_err *err)
{
	if (*i + 1 >= call->n_args)
		return fw_fail(err, FW_ERR_USAGE, "%s: '%s' needs a value", call->req->words[0],
			       call->args[*i]);
	*ret = call->args[++*i];
	return 0;
}

static int check_table(struct fwd_call *call, const char *name, enum fw_table_id *ret,
		       struct fw_err *err)
{
	if (!fw_table_by_name(name, ret))
		return 0;
	fw_fail(err, FW_ERR_NO_TABLE, "there is no table '%s'", name);
	fwd_arg_at(call, name, err);
	return -EINVAL;
}

static int save_args(struct fwd_call *call, struct save *s, struct fw_err *err)
{
	int r = fwd_arg_family(call->n_args ? call->args[0] : NULL, &s->family, err);

	for (unsigned int i = 1; i < call->n_args && !r; i++) {
		const char *w = call->args[i];

		if (!strcmp(w, "counters"))
			s->flags |= FW_SAVE_COUNTERS;
		else if (!strcmp(w, "all"))
			s->flags |= FW_SAVE_ALL;
		else if (!strcmp(w, "zero"))
			s->zero = true;
		else if (!strcmp(w, "table"))
			r = next_word(call, &i, &s->table, err);
		else if (!strcmp(w, "chain"))
			r = next_word(call, &i, &s->chain, err);
		else if (!strcmp(w, "number"))
			r = next_word(call, &i, &s->number, err);
		else
			r = bad_word(call, w, err);
	}
	if (!r && s->table)
		r = check_table(call, s->table, &s->id, err);
	return r;
}

static int save_zero(struct fwd_call *call, const struct save *s, struct fw_err *err)
{
	struct fwd_editor *e = &call->d->editor;
	/* What is printed is the old snapshot, after the swap: it must not go before. */
	struct fw_ruleset *old = fw_ruleset_ref(e->core->ruleset);
	struct fw_buf text = FW_BUF_INIT;
	struct fwd_zeroed *z;
	int r = -ENOMEM;

	fwd_policy_collect(e);
	z = fwd_zeroed_new(old, s->family, s->table ? (int)s->id : -1, s->flags);
	if (z) {
		struct fwd_edit edit = {
			.family = s->family,
			.flags = FW_TX_NOFLUSH,
			.counted = fwd_zeroed_note,
			.priv = z,
		};

		fwd_zeroed_text(z, s->chain, s->number, &text);
		edit.text = fw_buf_cstr(&text);
		edit.len = text.len;
		r = fwd_edit_apply(e, &edit, NULL, err);
	} else {
		fw_fail(err, FW_ERR_RESOURCE, "out of memory");
	}
	if (!r)
		fwd_zeroed_print(z, s->flags & FW_SAVE_COUNTERS, call->out);
	call->commit = true;
	fwd_zeroed_free(z);
	fw_buf_deinit(&text);
	fwd_edit_forget(e, old);
	return r;
}

int fwd_verb_save(struct fwd_call *call, struct fw_err *err)
{
	struct save s = {.flags = 0};
	const struct fw_ruleset *rs = call->d->core.ruleset;
	int r;

	r = save_args(call, &s, err);
	if (r)
		return r;
	if (s.zero) {
		r = fwd_peer_check(call->peer, FWD_RIGHT_EDIT, err);
		return r ? r : save_zero(call, &s, err);
	}
	fwd_policy_collect(&call->d->editor);
	if (s.table)
		fw_save_table(rs->tables[s.family][s.id], s.flags, call->out);
	else
		fw_save(rs, s.family, s.flags, call->out);
	return 0;
}

/* restore … confirm N: what was comes back unless it is confirmed in time. */
static int apply(struct fwd_call *call, const struct fwd_edit *edit, const char *confirm,
		 struct fw_err *err)
{
	uint64_t seconds = 0;
	int r;

	if (confirm && fw_parse_u64(confirm, 1, FWD_TRIAL_MAX_S, &seconds)) {
		fw_fail(err, FW_ERR_USAGE, "confirm: '%s' is not in 1..%d", confirm,
			FWD_TRIAL_MAX_S);
		fwd_arg_at(call, confirm, err);
		return -EINVAL;
	}
	if (seconds && !edit->test) {
		r = fwd_trial_begin(call->d, (unsigned int)seconds, err);
		if (r)
			return r;
	}
	r = fwd_edit_apply(&call->d->editor, edit, call->out, err);
	if (r && seconds && !edit->test)
		fwd_trial_settled(call->d, false);
	return r;
}

int fwd_verb_confirm(struct fwd_call *call, struct fw_err *err)
{
	return fwd_trial_confirm(call->d, err);
}

int fwd_verb_rollback(struct fwd_call *call, struct fw_err *err)
{
	call->commit = true;
	return fwd_trial_rollback(call->d, err);
}

int fwd_verb_restore(struct fwd_call *call, struct fw_err *err)
{
	struct fwd_edit edit = {.text = call->req->body, .len = call->req->len};
	const char *confirm = NULL;
	enum fw_table_id id;
	int r = fwd_arg_family(call->n_args ? call->args[0] : NULL, &edit.family, err);

	for (unsigned int i = 1; i < call->n_args && !r; i++) {
		const char *w = call->args[i];

		if (!strcmp(w, "noflush"))
			edit.flags |= FW_TX_NOFLUSH;
		else if (!strcmp(w, "counters"))
			edit.flags |= FW_TX_COUNTERS;
		else if (!strcmp(w, "test"))
			edit.test = true;
		else if (!strcmp(w, "table"))
			r = next_word(call, &i, &edit.table, err);
		else if (!strcmp(w, "confirm"))
			r = next_word(call, &i, &confirm, err);
		else
			r = bad_word(call, w, err);
	}
	if (!r && edit.table)
		r = check_table(call, edit.table, &id, err);
	if (r)
		return r;
	call->commit = true;
	return apply(call, &edit, confirm, err);
}
