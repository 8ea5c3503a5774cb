/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a client can ask: one row for each verb.
 *
 * A verb's function appends the body of the reply to call->out and returns 0, or returns negative
 * with err filled and then nothing of out is sent.  Control thread only.
 */
#ifndef FWD_CONTROL_VERBS_H
#define FWD_CONTROL_VERBS_H

#include "control/peer.h"
#include "control/request.h"
#include "daemon.h"

struct fwd_call;

/* A long answer in pieces: called again whenever the client has taken most of the last piece.
 * Appends to out; false: that was the end. */
typedef bool fwd_more_fn(struct fwd *d, void *priv, struct fw_buf *out);

struct fwd_call {
	struct fwd *d;
	const struct fwd_peer *peer;
	const struct fwd_request *req;
	const char *const *args; /* after the verb's own words */
	unsigned int n_args;
	struct fw_buf *out;
	bool crowded; /* there are too many answers waiting for a large one more */
	bool commit; /* set: answer only after fwd_edit_commit() */
	fwd_more_fn *more; /* set: the answer goes on */
	void *more_priv; /* free()d by the caller when done */
};

struct fwd_verb {
	const char *word, *second; /* second NULL: the verb is one word */
	enum fwd_right right;
	bool large; /* its answer grows with the rules */
	int (*run)(struct fwd_call *call, struct fw_err *err);
	const char *args, *help;
};

/* Find the verb, check the right, run it. */
int fwd_verb_run(struct fwd_call *call, struct fw_err *err);

/* "4" or "6". */
int fwd_arg_family(const char *word, enum fw_family *ret, struct fw_err *err);
/* One address, whole ("192.0.2" is none); its family follows from its form. */
int fwd_arg_address(const char *word, enum fw_family *family, union fw_addr *ret,
		    struct fw_err *err);
/* The column of a word of the request line. */
void fwd_arg_at(const struct fwd_call *call, const char *word, struct fw_err *err);

/* The verbs' functions (control/verb-*.c). */
int fwd_verb_ping(struct fwd_call *call, struct fw_err *err);
int fwd_verb_status(struct fwd_call *call, struct fw_err *err);
int fwd_verb_save(struct fwd_call *call, struct fw_err *err);
int fwd_verb_restore(struct fwd_call *call, struct fw_err *err);
int fwd_verb_recent_list(struct fwd_call *call, struct fw_err *err);
int fwd_verb_recent_add(struct fwd_call *call, struct fw_err *err);
int fwd_verb_recent_del(struct fwd_call *call, struct fw_err *err);
int fwd_verb_recent_flush(struct fwd_call *call, struct fw_err *err);
int fwd_verb_conn_list(struct fwd_call *call, struct fw_err *err);
int fwd_verb_conn_count(struct fwd_call *call, struct fw_err *err);
int fwd_verb_conn_delete(struct fwd_call *call, struct fw_err *err);
int fwd_verb_conn_flush(struct fwd_call *call, struct fw_err *err);
int fwd_verb_metrics(struct fwd_call *call, struct fw_err *err);
int fwd_verb_drops(struct fwd_call *call, struct fw_err *err);
int fwd_verb_confirm(struct fwd_call *call, struct fw_err *err);
int fwd_verb_rollback(struct fwd_call *call, struct fw_err *err);
int fwd_verb_reload(struct fwd_call *call, struct fw_err *err);
int fwd_verb_restart(struct fwd_call *call, struct fw_err *err);
int fwd_verb_help(struct fwd_call *call, struct fw_err *err);

#endif
