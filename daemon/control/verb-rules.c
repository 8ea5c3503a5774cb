/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * save and restore: the rules out and in.
 *
 * `save … zero` must read and zero counters in one step, or packets between the two would be
 * counted nowhere; and printing 100,000 rules under the engine lock would stop packets for tens of
 * milliseconds.  So zeroing is an edit (a -Z like any other, journaled too) whose moment of change
 * first copies the counters, 16 bytes a rule; the text is printed from the copy afterwards.
 */
#include "control/verbs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

/* Counters of one table as they were when they were zeroed. */
struct copied {
	const struct fw_table *table;
	const struct fw_chain **chains;
	size_t n_chains;
	struct fw_counters *counters; /* for each chain its policy's, then its rules' */
};

struct copy {
	struct copied tables[FW_N_TABLES];
	size_t n;
	bool done;
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

static void copy_free(struct copy *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->tables[i].chains);
		free(c->tables[i].counters);
	}
}

static int copy_reserve(struct copy *c, const struct fw_ruleset *rs, const struct save *s,
			struct fw_err *err)
{
	for (int id = 0; id < FW_N_TABLES; id++) {
		const struct fw_table *t = rs->tables[s->family][id];
		struct copied *to = &c->tables[c->n];

		if (s->table ? (int)s->id != id : !t->touched && !(s->flags & FW_SAVE_ALL))
			continue;
		to->table = t;
		to->chains = fw_table_sorted(t, &to->n_chains);
		to->counters = calloc(to->n_chains + t->n_rules + 1, sizeof(*to->counters));
		c->n++;
		if (!to->chains || !to->counters)
			return fw_fail(err, FW_ERR_RESOURCE, "out of memory");
	}
	return 0;
}

static struct fw_counters read_counters(const struct fw_counters *from)
{
	return (struct fw_counters){
		.packets = __atomic_load_n(&from->packets, __ATOMIC_RELAXED),
		.bytes = __atomic_load_n(&from->bytes, __ATOMIC_RELAXED),
	};
}

/* Under the engine lock. */
static void copy_counters(void *priv, const struct fw_ruleset *old)
{
	struct copy *c = priv;

	c->done = true;
	for (size_t i = 0; i < c->n; i++) {
		struct fw_counters *to = c->tables[i].counters;

		for (size_t k = 0; k < c->tables[i].n_chains; k++) {
			const struct fw_chain *chain = c->tables[i].chains[k];

			if (chain->builtin)
				*to = read_counters(chain->policy_counters);
			to++;
			for (uint32_t j = 0; j < chain->n_chunks; j++)
				for (uint32_t m = 0; m < chain->chunks[j]->n; m++)
					*to++ = read_counters(
						&chain->chunks[j]->rules[m]->counters);
		}
	}
}

static void print_counters(const struct fw_counters *c, struct fw_buf *out)
{
	fw_buf_char(out, '[');
	fw_buf_u64(out, c->packets);
	fw_buf_char(out, ':');
	fw_buf_u64(out, c->bytes);
	fw_buf_char(out, ']');
}

static void print_chain_rules(const struct fw_table *t, const struct fw_chain *chain,
			      const struct fw_counters *c, bool counters, struct fw_buf *out)
{
	for (uint32_t n = 1; n <= chain->n_rules; n++) {
		if (counters) {
			print_counters(&c[n - 1], out);
			fw_buf_char(out, ' ');
		}
		fw_buf_str(out, "-A ");
		fw_buf_str(out, chain->name);
		fw_rule_print(fw_chain_rule(chain, n), t, out);
		fw_buf_char(out, '\n');
	}
}

static void print_copied(const struct copied *t, bool counters, struct fw_buf *out)
{
	const struct fw_counters *c = t->counters;

	fw_buf_fmt(out, "*%s\n", fw_table_name(t->table->id));
	for (size_t i = 0; i < t->n_chains; i++) {
		const struct fw_chain *chain = t->chains[i];

		fw_buf_fmt(out, ":%s %s ", chain->name,
			   !chain->builtin		      ? "-"
				   : chain->policy == FW_DROP ? "DROP"
							      : "ACCEPT");
		print_counters(c, out);
		fw_buf_char(out, '\n');
		c += 1 + chain->n_rules;
	}
	c = t->counters;
	for (size_t i = 0; i < t->n_chains; i++) {
		print_chain_rules(t->table, t->chains[i], c + 1, counters, out);
		c += 1 + t->chains[i]->n_rules;
	}
	fw_buf_str(out, "COMMIT\n");
}

/* The edit that zeroes what was asked for. */
static void zero_text(const struct copy *c, const struct save *s, struct fw_buf *text)
{
	for (size_t i = 0; i < c->n; i++)
		fw_buf_fmt(text, "*%s\n-Z%s%s%s%s\nCOMMIT\n", fw_table_name(c->tables[i].table->id),
			   s->chain ? " " : "", s->chain ? s->chain : "",
			   s->chain && s->number ? " " : "",
			   s->chain && s->number ? s->number : "");
}

static int save_zero(struct fwd_call *call, const struct save *s, struct fw_err *err)
{
	struct fwd_editor *e = &call->d->editor;
	/* The copy looks into the old snapshot after the swap: it must not go before. */
	struct fw_ruleset *old = fw_ruleset_ref(e->core->ruleset);
	struct fw_buf text = FW_BUF_INIT;
	struct copy c = {.n = 0};
	int r;

	r = copy_reserve(&c, old, s, err);
	if (!r) {
		struct fwd_edit edit = {
			.family = s->family,
			.flags = FW_TX_NOFLUSH,
			.before = copy_counters,
			.priv = &c,
		};

		zero_text(&c, s, &text);
		edit.text = fw_buf_cstr(&text);
		edit.len = text.len;
		r = fwd_edit_apply(e, &edit, NULL, err);
	}
	if (!r && !c.done)
		copy_counters(&c, old); /* there was nothing to zero */
	for (size_t i = 0; i < c.n && !r; i++)
		print_copied(&c.tables[i], s->flags & FW_SAVE_COUNTERS, call->out);
	call->commit = true;
	copy_free(&c);
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
