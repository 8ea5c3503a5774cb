/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of verbs and their dispatch (control/verbs.h). */
#include "control/verbs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static const struct fwd_verb verbs[] = {
	{"ping", NULL, FWD_RIGHT_READ, false, fwd_verb_ping, "", "version and state"},
	{"status", NULL, FWD_RIGHT_READ, false, fwd_verb_status, "", "the same, longer"},
	{"save", NULL, FWD_RIGHT_READ, true, fwd_verb_save,
	 "4|6 [counters] [all] [zero] [table T] [chain C [number N]]",
	 "the rules as restore text; zero needs the right to edit"},
	{"restore", NULL, FWD_RIGHT_EDIT, false, fwd_verb_restore,
	 "4|6 [noflush] [counters] [test] [table T] [confirm SECONDS]",
	 "apply the body, restore text; with confirm it is undone unless confirmed in time"},
	{"confirm", NULL, FWD_RIGHT_EDIT, false, fwd_verb_confirm, "", "keep what was applied"},
	{"rollback", NULL, FWD_RIGHT_EDIT, false, fwd_verb_rollback, "", "undo it now"},
	{"recent", "list", FWD_RIGHT_READ, true, fwd_verb_recent_list, "[NAME]",
	 "names of recent lists, or one's entries"},
	{"recent", "add", FWD_RIGHT_EDIT, false, fwd_verb_recent_add, "NAME ADDR",
	 "as if just seen"},
	{"recent", "del", FWD_RIGHT_EDIT, false, fwd_verb_recent_del, "NAME ADDR",
	 "take an entry out"},
	{"recent", "flush", FWD_RIGHT_EDIT, false, fwd_verb_recent_flush, "NAME", "empty a list"},
	{"conn", "list", FWD_RIGHT_READ, true, fwd_verb_conn_list, "[json|extended] [KEY VALUE]...",
	 "tracked flows"},
	{"conn", "count", FWD_RIGHT_READ, false, fwd_verb_conn_count, "[KEY VALUE]...", "how many there are"},
	{"conn", "delete", FWD_RIGHT_EDIT, false, fwd_verb_conn_delete, "KEY VALUE...",
	 "forget some"},
	{"conn", "flush", FWD_RIGHT_EDIT, false, fwd_verb_conn_flush, "", "forget all"},
	{"metrics", NULL, FWD_RIGHT_READ, true, fwd_verb_metrics, "",
	 "Prometheus text format 0.0.4"},
	{"drops", NULL, FWD_RIGHT_READ, true, fwd_verb_drops, "[N]", "the last dropped packets"},
	{"reload", NULL, FWD_RIGHT_EDIT, false, fwd_verb_reload, "",
	 "load the rules files again: both, or neither"},
	{"restart", NULL, FWD_RIGHT_EDIT, false, fwd_verb_restart, "",
	 "start the program anew; nothing is lost (root)"},
	{"help", NULL, FWD_RIGHT_READ, false, fwd_verb_help, "", "this list"},
};

int fwd_verb_help(struct fwd_call *call, struct fw_err *err)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(verbs); i++) {
		const struct fwd_verb *v = &verbs[i];

		fw_buf_fmt(call->out, "%s%s%s%s%s\n    %s\n", v->word, v->second ? " " : "",
			   v->second ? v->second : "", *v->args ? " " : "", v->args, v->help);
	}
	return 0;
}

void fwd_arg_at(const struct fwd_call *call, const char *word, struct fw_err *err)
{
	fw_err_at(err, 0, (uint32_t)(word - call->req->line) + 1, (uint32_t)strlen(word));
}

int fwd_arg_family(const char *word, enum fw_family *ret, struct fw_err *err)
{
	if (word && !strcmp(word, "4"))
		*ret = FW_IP4;
	else if (word && !strcmp(word, "6"))
		*ret = FW_IP6;
	else
		return fw_fail(err, FW_ERR_USAGE, "'%s' is no family", word ? word : "");
	return 0;
}

int fwd_arg_address(const char *word, enum fw_family *family, union fw_addr *ret,
		    struct fw_err *err)
{
	memset(ret, 0, sizeof(*ret));
	*family = strchr(word, ':') ? FW_IP6 : FW_IP4;
	if (inet_pton(*family == FW_IP6 ? AF_INET6 : AF_INET, word, ret) == 1)
		return 0;
	return fw_fail(err, FW_ERR_USAGE, "'%s' is no address", word);
}

/* *known: the first word is right and only the second is not. */
static const struct fwd_verb *find(const struct fwd_request *req, bool *known)
{
	*known = false;
	for (size_t i = 0; i < FW_ARRAY_SIZE(verbs); i++) {
		const struct fwd_verb *v = &verbs[i];

		if (strcmp(v->word, req->words[0]))
			continue;
		*known = true;
		if (!v->second || (req->n_words > 1 && !strcmp(v->second, req->words[1])))
			return v;
	}
	return NULL;
}

static int unknown(const struct fwd_call *call, bool known, struct fw_err *err)
{
	const struct fwd_request *req = call->req;

	if (!known) {
		fw_fail(err, FW_ERR_USAGE, "unknown verb '%s'", req->words[0]);
		fwd_arg_at(call, req->words[0], err);
	} else if (req->n_words < 2) {
		fw_fail(err, FW_ERR_USAGE, "%s: what to do with them is missing", req->words[0]);
	} else {
		fw_fail(err, FW_ERR_USAGE, "%s: unknown word '%s'", req->words[0], req->words[1]);
		fwd_arg_at(call, req->words[1], err);
	}
	fw_err_hint(err, "the verb 'help' lists what can be asked");
	return -EINVAL;
}

int fwd_verb_run(struct fwd_call *call, struct fw_err *err)
{
	const struct fwd_verb *v;
	unsigned int own;
	bool known;
	int r;

	v = find(call->req, &known);
	if (!v)
		return unknown(call, known, err);
	r = fwd_peer_check(call->peer, v->right, err);
	if (r)
		return r;
	if (v->large && call->crowded) {
		fw_fail(err, FW_ERR_RESOURCE, "too many large answers are waiting to be read");
		fw_err_hint(err, "try again in a while");
		return -EINVAL;
	}
	own = v->second ? 2 : 1;
	call->args = call->req->words + own;
	call->n_args = call->req->n_words - own;
	r = v->run(call, err);
	if (!r && !fw_buf_ok(call->out))
		r = fw_fail(err, FW_ERR_RESOURCE, "out of memory for the answer");
	return r;
}
