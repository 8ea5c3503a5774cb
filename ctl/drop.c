/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wording of the iptables names: what iptables 1.8.9 (legacy) prints, to the letter.
 *
 * Three shapes.  A refusal by the rule set: "iptables: TEXT".  A mistake in the words:
 * "iptables v1.8.9 (legacy): TEXT" and where help is.  restore: "iptables-restore: line N failed",
 * or the second shape with "Error occurred at line: N".  TEXT is fw_err_iptables()'s.
 *
 * A few sentences end in a newline of their own or stand without the version; they are listed
 * here because scripts see them that way.
 */
#include "drop.h"

#include <stdio.h>
#include <string.h>

#include "say.h"

static bool starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Sentences after which iptables leaves a line empty. */
static bool has_blank_line(const char *text)
{
	return starts(text, "Couldn't load ") || starts(text, "The -t option cannot be used");
}

static const char *backend(const struct ctl *ctl)
{
	return ctl->nft ? "nf_tables" : "legacy";
}

static void usage(const struct ctl *ctl, const char *text, uint32_t line, struct fw_buf *out)
{
	if (starts(text, "Bad argument `"))
		fw_buf_fmt(out, "%s\n", text);
	else
		fw_buf_fmt(out, "%s v%s (%s): %s\n%s", ctl->prog, CTL_IPTABLES_VERSION,
			   backend(ctl), text, has_blank_line(text) ? "\n" : "");
	if (line)
		fw_buf_fmt(out, "Error occurred at line: %u\n", line);
	fw_buf_fmt(out, "Try `%s -h' or '%s --help' for more information.\n", ctl->prog, ctl->prog);
}

/* The ":CHAIN POLICY" line that was refused, if it was one; chain and policy cut out of it. */
static bool chain_line(const struct fw_err *err, const char *text, size_t len, char *chain,
		       char *policy)
{
	size_t n;
	const char *s = ctl_text_line(text, len, err->line, &n);
	char line[256];

	if (!n || *s != ':')
		return false;
	if (n >= sizeof(line))
		n = sizeof(line) - 1;
	memcpy(line, s, n);
	line[n] = '\0';
	*chain = *policy = '\0';
	sscanf(line, ":%63s %63s", chain, policy);
	return true;
}

static const char *without_stop(const char *s, char *ret, size_t size)
{
	size_t n = strcspn(s, ".");

	snprintf(ret, size, "%.*s", (int)n, s);
	return ret;
}

static void restore_refusal(const struct ctl *ctl, const struct fw_err *err, const char *text,
			    size_t len, struct fw_buf *out)
{
	char chain[64], policy[64], reason[128], words[320];

	if (err->code == FW_ERR_COMMIT) {
		fw_buf_fmt(out, "%s: COMMIT expected at line %u\n", ctl->prog, err->line);
		return;
	}
	if (!chain_line(err, text, len, chain, policy)) {
		fw_buf_fmt(out, "%s: line %u failed\n", ctl->prog, err->line);
		return;
	}
	without_stop(fw_err_iptables(err), reason, sizeof(reason));
	if (err->code == FW_ERR_CHAIN_EXISTS) {
		snprintf(words, sizeof(words), "error creating chain '%s':File exists", chain);
		usage(ctl, words, err->line, out);
		return;
	}
	fw_buf_fmt(out, "%s v%s (%s): Can't set policy `%s' on `%s' line %u: %s\n", ctl->prog,
		   CTL_IPTABLES_VERSION, backend(ctl), policy, chain, err->line, reason);
}

static void resource(const struct ctl *ctl, const struct fw_err *err, struct fw_buf *out)
{
	fw_buf_fmt(out, "%s v%s (%s): %s\n", ctl->prog, CTL_IPTABLES_VERSION, backend(ctl),
		   err->words[0] ? err->words : err->msg);
	if (err->hint[0])
		fw_buf_fmt(out, "%s\n", err->hint);
}

void ctl_drop_format(const struct ctl *ctl, const struct fw_err *err, const char *text, size_t len,
		     struct fw_buf *out)
{
	const char *words = fw_err_iptables(err);
	char table[320];

	switch (fw_err_exit_code(err->code)) {
	case 1:
		if (text && err->line)
			restore_refusal(ctl, err, text, len, out);
		else
			fw_buf_fmt(out, "%s: %s\n", ctl->prog, words);
		break;
	case 2:
		usage(ctl, words, text ? err->line : 0, out);
		break;
	case 3:
		if (text) {
			snprintf(table, sizeof(table), "%s: %s", ctl->prog, words);
			usage(ctl, table, err->line, out);
			break;
		}
		fw_buf_fmt(out, "%s v%s (%s): %s\nPerhaps %s or your kernel needs to be upgraded.\n",
			   ctl->prog, CTL_IPTABLES_VERSION, backend(ctl), words, ctl->prog);
		break;
	default:
		resource(ctl, err, out);
	}
}

int ctl_drop_exit_code(const struct ctl *ctl, const struct fw_err *err, const char *text, size_t len)
{
	char chain[64], policy[64];

	if (err->code == FW_ERR_NO_TABLE)
		return 2;
	if (err->code == FW_ERR_CHAIN_EXISTS && err->line &&
	    chain_line(err, text, len, chain, policy))
		return 2;
	return fw_err_exit_code(err->code);
}
