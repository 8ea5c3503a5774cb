/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fwctl, and the eighteen iptables names that are links to it.
 *
 * A process is one command: what the name it was called by makes of it (struct ctl), the words,
 * one request to the daemon, an exit code.  Nothing is kept between commands and nothing is
 * shared with the daemon but the wire (fw/protocol.h) and the language (fw/text.h).
 */
#ifndef FWCTL_CTL_H
#define FWCTL_CTL_H

#include "fw/buf.h"
#include "fw/err.h"
#include "fw/types.h"

/* The version whose behaviour the drop-in names have, and say they are. */
#define CTL_IPTABLES_VERSION "1.8.9"

enum ctl_role { CTL_ROLE_TABLES, CTL_ROLE_SAVE, CTL_ROLE_RESTORE, CTL_N_ROLES };

struct ctl {
	enum ctl_role role; /* what the call name asks for */
	bool drop_in; /* called by an iptables name: iptables' wording, nothing else */
	bool nft; /* … that ends in -nft: only the version line differs */
	enum fw_family family;
	const char *called; /* argv[0] without its directory */
	const char *prog; /* what messages start with: "fwctl", "ip6tables-restore" … */
	const char *socket; /* --socket, or NULL */
	int argc; /* the words after name, --socket and (fwctl) the verb */
	char **argv;
	const char *verb; /* fwctl's subcommand, or NULL */
};

/* Fill role, names and family from argv[0]. */
void ctl_name(struct ctl *ctl, const char *argv0);

/* Subcommands and roles.  Each returns the exit code. */
int ctl_tables(struct ctl *ctl);
int ctl_restore(struct ctl *ctl);
int ctl_save(struct ctl *ctl);
int ctl_list(struct ctl *ctl);
int ctl_recent(struct ctl *ctl);
int ctl_conn(struct ctl *ctl);
int ctl_metrics(struct ctl *ctl);
int ctl_drops(struct ctl *ctl);
int ctl_status(struct ctl *ctl);
int ctl_ping(struct ctl *ctl);
int ctl_reload(struct ctl *ctl);
int ctl_restart(struct ctl *ctl);
int ctl_confirm(struct ctl *ctl);
int ctl_rollback(struct ctl *ctl);
int ctl_check(struct ctl *ctl);
int ctl_simulate(struct ctl *ctl);
int ctl_explain(struct ctl *ctl);

/* One row for each subcommand: dispatch, usage and completion read them. */
struct ctl_verb {
	const char *name;
	int min, max; /* words after it; max -1: any number */
	int (*run)(struct ctl *ctl);
	const char *args; /* as usage shows them */
	const char *help;
	const char *options; /* its words for completion, separated by spaces */
};
const struct ctl_verb *ctl_verbs(size_t *n);
const struct ctl_verb *ctl_verb_find(const char *name);

/* json.c: list --json, status --json */
int ctl_list_json(struct ctl *ctl);
int ctl_status_json(struct ctl *ctl);

/* help.c, complete.c */
int ctl_help(struct ctl *ctl);
int ctl_completion(struct ctl *ctl);
void ctl_print_version(const struct ctl *ctl);
struct fw_cmd;
void ctl_print_tables_help(const struct ctl *ctl, const struct fw_cmd *cmd);

/* Write to standard output; exit code 0, or 1 with a message when that failed. */
int ctl_out(const struct ctl *ctl, const void *data, size_t len);

#endif
