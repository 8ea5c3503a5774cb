/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Refusals (fw/err.h) and their translation into what iptables says and exits with.
 *
 * One row for each kind: the word on the wire, the exit code, iptables' own sentence.  The
 * sentences are what scripts match on, so they are iptables 1.8.9 legacy's to the letter.
 */
#include "fw/err.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fw/types.h"

static const struct {
	const char *name;
	int exit_code;
	const char *iptables;
} kinds[] = {
	[FW_ERR_NONE] = {"none", 0, ""},
	[FW_ERR_USAGE] = {"usage", 2, ""},
	[FW_ERR_NO_CHAIN] = {"no-chain", 1, "No chain/target/match by that name."},
	[FW_ERR_CHAIN_EXISTS] = {"chain-exists", 1, "Chain already exists."},
	[FW_ERR_RENAME_EXISTS] = {"rename-exists", 1, "File exists."},
	[FW_ERR_NO_RULE] = {"no-rule", 1, "Bad rule (does a matching rule exist in that chain?)."},
	[FW_ERR_DEL_INDEX] = {"delete-index", 1, "Index of deletion too big."},
	[FW_ERR_INS_INDEX] = {"insert-index", 1, "Index of insertion too big."},
	[FW_ERR_REP_INDEX] = {"replace-index", 1, "Index of replacement too big."},
	[FW_ERR_IN_USE] = {"in-use", 1, "Too many links."},
	[FW_ERR_NOT_EMPTY] = {"not-empty", 1, "Directory not empty."},
	[FW_ERR_BUILTIN] = {"builtin", 1, "Invalid argument. Run `dmesg' for more information."},
	[FW_ERR_NOT_BUILTIN] = {"not-builtin", 1, "Bad built-in chain name."},
	[FW_ERR_BAD_POLICY] = {"bad-policy", 1, "Bad policy name. Run `dmesg' for more information."},
	[FW_ERR_LOOP] = {"loop", 1, "Too many levels of symbolic links."},
	[FW_ERR_PLACE] = {"place", 1, "Invalid argument. Run `dmesg' for more information."},
	[FW_ERR_NO_TABLE] = {"no-table", 3, ""},
	[FW_ERR_NO_EXT] = {"no-extension", 2, ""},
	[FW_ERR_NAME] = {"name", 2, ""},
	[FW_ERR_COMMIT] = {"commit", 1, ""},
	[FW_ERR_LIMIT] = {"limit", 1, "Resource limit reached."},
	[FW_ERR_RESOURCE] = {"resource", 4, "Resource problem."},
	[FW_ERR_PERM] = {"permission", 4, "Permission denied (you must be root)."},
	[FW_ERR_UNSUPPORTED] = {"unsupported", 2, ""},
};
static_assert(FW_ARRAY_SIZE(kinds) == FW_N_ERR_CODES, "a row for each kind");

int fw_fail(struct fw_err *err, enum fw_err_code code, const char *fmt, ...)
{
	va_list ap;

	if (!err || err->code != FW_ERR_NONE)
		return -EINVAL;
	err->code = code;
	va_start(ap, fmt);
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

void fw_err_hint(struct fw_err *err, const char *fmt, ...)
{
	va_list ap;

	if (!err || err->code == FW_ERR_NONE)
		return;
	va_start(ap, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, ap);
	va_end(ap);
}

void fw_err_words(struct fw_err *err, const char *fmt, ...)
{
	va_list ap;

	if (!err || err->code == FW_ERR_NONE)
		return;
	va_start(ap, fmt);
	vsnprintf(err->words, sizeof(err->words), fmt, ap);
	va_end(ap);
}

void fw_err_at(struct fw_err *err, uint32_t line, uint32_t column, uint32_t length)
{
	if (!err)
		return;
	if (!err->line)
		err->line = line;
	if (!err->column) {
		err->column = column;
		err->length = length;
	}
}

const char *fw_err_code_name(enum fw_err_code code)
{
	return (unsigned int)code < FW_N_ERR_CODES ? kinds[code].name : "?";
}

enum fw_err_code fw_err_code_by_name(const char *name)
{
	for (size_t i = 0; i < FW_N_ERR_CODES; i++)
		if (!strcmp(kinds[i].name, name))
			return (enum fw_err_code)i;
	return FW_ERR_USAGE;
}

int fw_err_exit_code(enum fw_err_code code)
{
	return (unsigned int)code < FW_N_ERR_CODES ? kinds[code].exit_code : 1;
}

const char *fw_err_iptables(const struct fw_err *err)
{
	if (err->words[0])
		return err->words;
	if ((unsigned int)err->code < FW_N_ERR_CODES && kinds[err->code].iptables[0])
		return kinds[err->code].iptables;
	return err->msg;
}
