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

static bool starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* Sentences after which iptables leaves a line empty: they begin with, or have in them … */
static bool has_blank_line(const char *text)
{
	static const char *const begins[] = {"Couldn't load ", "The -t option cannot be used",
					     "Can't use -", "log level \""};
	static const char *const has[] = {
		"\" must be specified",
		"\" cannot be used together with \"",
		"\" can only be used once.",
		"\" cannot be inverted.",
		"\" also requires \"",
		"\" requires an argument.",
		"or out of range",
		" nor valid CIDR (",
		"unexpected characters near",
		"\" does not resolve to anything.",
	};

	for (size_t i = 0; i < FW_ARRAY_SIZE(begins); i++)
		if (starts(text, begins[i]))
			return true;
	for (size_t i = 0; i < FW_ARRAY_SIZE(has); i++)
		if (strstr(text, has[i]))
			return true;
	return false;
}

static const char *backend(const struct ctl *ctl)
{
	return ctl->nft ? "nf_tables" : "legacy";
}

static void head(const struct ctl *ctl, struct fw_buf *out)
{
	fw_buf_fmt(out, "%s v%s (%s): ", ctl->prog, CTL_IPTABLES_VERSION, backend(ctl));
}

static void usage(const struct ctl *ctl, const char *text, uint32_t line, struct fw_buf *out)
{
	if (starts(text, "Bad argument `")) {
		fw_buf_fmt(out, "%s\n", text);
	} else if (starts(text, "The \"nat\" table")) {
		head(ctl, out);
		fw_buf_fmt(out, "\n%s\n\n\n", text);
	} else if (!starts(text, "-6: ") && !starts(text, "-4: ")) {
		head(ctl, out);
		fw_buf_fmt(out, "%s\n%s", text, has_blank_line(text) ? "\n" : "");
	}
	if (line)
		fw_buf_fmt(out, "Error occurred at line: %u\n", line);
	fw_buf_fmt(out, "Try `%s -h' or '%s --help' for more information.\n", ctl->prog, ctl->prog);
}

/* What restore says of a line by its number comes with restore's name once more. */
static void restore_usage(const struct ctl *ctl, const char *words, uint32_t line,
			  struct fw_buf *out)
{
	char text[320];
	size_t n = strlen(words);
	bool named = starts(words, "unable to initialize table") ||
		(starts(words, "line ") && n > 8 && !strcmp(words + n - 8, " invalid"));

	snprintf(text, sizeof(text), "%s%s%s", named ? ctl->prog : "", named ? ": " : "", words);
	usage(ctl, text, line, out);
}

static void restore_refusal(const struct ctl *ctl, const struct fw_err *err, struct fw_buf *out)
{
	if (err->code == FW_ERR_COMMIT) {
		fw_buf_fmt(out, "%s: COMMIT expected at line %u\n", ctl->prog, err->line);
	} else if (starts(err->words, "Can't set policy `")) {
		head(ctl, out);
		fw_buf_fmt(out, "%s\n", err->words);
	} else {
		fw_buf_fmt(out, "%s: line %u failed\n", ctl->prog, err->line);
	}
}

static void resource(const struct ctl *ctl, const struct fw_err *err, struct fw_buf *out)
{
	const char *words = err->words[0] ? err->words : err->msg;

	head(ctl, out);
	if (err->code == FW_ERR_PERM && !strstr(words, "Permission denied"))
		fw_buf_str(out, "Permission denied: ");
	fw_buf_fmt(out, "%s\n", words);
	if (err->hint[0])
		fw_buf_fmt(out, "%s\n", err->hint);
}

void ctl_drop_format(const struct ctl *ctl, const struct fw_err *err, bool text, struct fw_buf *out)
{
	const char *words = fw_err_iptables(err);
	int code = fw_err_exit_code(err->code);

	if (code == 4) {
		resource(ctl, err, out);
	} else if (text && code != 1) {
		restore_usage(ctl, words, err->line, out);
	} else if (text && err->line) {
		restore_refusal(ctl, err, out);
	} else if (code == 1) {
		fw_buf_fmt(out, "%s: %s\n", ctl->prog, words);
	} else if (code == 3) {
		head(ctl, out);
		fw_buf_fmt(out, "%s\nPerhaps %s or your kernel needs to be upgraded.\n", words,
			   ctl->prog);
	} else {
		usage(ctl, words, 0, out);
	}
}

int ctl_drop_exit_code(const struct fw_err *err, bool text)
{
	return text && err->code == FW_ERR_NO_TABLE ? 2 : fw_err_exit_code(err->code);
}
