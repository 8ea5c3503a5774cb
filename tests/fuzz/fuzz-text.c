/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Restore text must survive any bytes, and what it accepts must be a fixed point: saved, parsed
 * and saved again it is the same.  First byte: family, --noflush, --counters, and whether the
 * text is applied in one transaction or a second one on top of the first; or the bytes are taken
 * for a command line, whose canonical form must be canonical.  Golden files are seeds, so lines of
 * theirs that are no restore text only make the first error more interesting.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fw/text.h"
#include "fw/tx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct fw_tx_env env = {
	.own_queue_first = 64000, .own_queue_n = 1, .mark_reserved = 0xfff00000};

/* The ruleset after `text`, or NULL where it is refused. */
static struct fw_ruleset *apply(struct fw_ruleset *base, enum fw_family family, const char *text,
				size_t len, unsigned int flags)
{
	struct fw_err err = FW_ERR_INIT;
	struct fw_buf out = FW_BUF_INIT;
	struct fw_tx *tx = fw_tx_new(base, &env);
	struct fw_ruleset *rs = NULL;

	if (!fw_tx_apply(tx, family, text, len, flags, NULL, NULL, &out, &err) &&
	    !fw_tx_prepare(tx, &err)) {
		rs = fw_tx_publish(tx);
		fw_tx_set_counters(tx, NULL, NULL);
	} else if (err.code == FW_ERR_NONE || !err.msg[0]) {
		abort(); /* a refusal must say why */
	}
	fw_tx_free(tx);
	fw_buf_deinit(&out);
	return rs;
}

static void check_counts(const struct fw_ruleset *rs, enum fw_family family)
{
	for (unsigned int t = 0; t < FW_N_TABLES; t++) {
		const struct fw_table *table = rs->tables[family][t];
		uint64_t rules = 0;
		uint32_t users = 0, jumps = 0;

		for (uint32_t s = 0; s < table->n_slots; s++) {
			const struct fw_chain *chain = table->chains[s];

			for (uint32_t i = 1; chain && i <= chain->n_rules; i++) {
				const struct fw_rule *rule = fw_chain_rule(chain, i);

				jumps += rule->verdict == FW_JUMP || rule->verdict == FW_GOTO;
			}
			rules += chain ? chain->n_rules : 0;
			users += chain ? chain->users : 0;
			if (chain && fw_table_chain(table, chain->name) != chain)
				abort();
		}
		if (rules != table->n_rules || users != jumps)
			abort();
	}
}

static void check_fixed_point(const struct fw_ruleset *rs, enum fw_family family)
{
	struct fw_buf one = FW_BUF_INIT, two = FW_BUF_INIT;
	struct fw_ruleset *empty = fw_ruleset_new(), *again;

	fw_save(rs, family, FW_SAVE_COUNTERS, &one);
	again = apply(empty, family, fw_buf_cstr(&one), one.len, FW_TX_COUNTERS);
	if (!again)
		abort();
	fw_save(again, family, FW_SAVE_COUNTERS, &two);
	if (one.len != two.len || memcmp(fw_buf_cstr(&one), fw_buf_cstr(&two), one.len))
		abort();
	fw_ruleset_unref(again, &env);
	fw_ruleset_unref(empty, &env);
	fw_buf_deinit(&one);
	fw_buf_deinit(&two);
}

/* Parse a line as a command and print it; false where it is refused. */
static bool canonical(enum fw_family family, const char *line, bool restore, struct fw_buf *out)
{
	char copy[4096];
	const char *words[512];
	uint32_t columns[512];
	struct fw_err err = FW_ERR_INIT;
	struct fw_cmd cmd;
	int n;

	snprintf(copy, sizeof(copy), "%s", line);
	n = fw_split(copy, words, columns, 512, &err);
	if (n < 0 || fw_cmd_parse(&cmd, family, (size_t)n, words, columns, restore, NULL, &err) < 0) {
		if (err.code == FW_ERR_NONE || !err.msg[0])
			abort();
		return false;
	}
	fw_cmd_print(&cmd, out);
	fw_cmd_deinit(&cmd);
	return true;
}

static void check_command(enum fw_family family, const uint8_t *data, size_t size)
{
	struct fw_buf one = FW_BUF_INIT, two = FW_BUF_INIT;
	char line[2048], *at, *next;

	snprintf(line, sizeof(line), "%.*s", (int)(size < 2000 ? size : 2000), (const char *)data);
	if (canonical(family, line, false, &one) && one.len && one.len < 65536) {
		for (at = one.data; (next = strchr(at, '\n')); at = next + 1) {
			*next = '\0';
			if (strlen(at) < 4000 && !canonical(family, at, true, &two))
				abort(); /* what a client sends must be understood */
			if (strlen(at) < 4000 && strncmp(at, fw_buf_cstr(&two), strlen(at)))
				abort();
			fw_buf_reset(&two);
		}
	}
	fw_buf_deinit(&one);
	fw_buf_deinit(&two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum fw_family family;
	struct fw_ruleset *base, *rs;
	unsigned int flags;

	if (!size)
		return 0;
	family = data[0] & 1 ? FW_IP6 : FW_IP4;
	flags = (data[0] & 2 ? FW_TX_NOFLUSH : 0) | (data[0] & 4 ? FW_TX_COUNTERS : 0);
	if (data[0] & 16) {
		check_command(family, data + 1, size - 1);
		return 0;
	}
	base = fw_ruleset_new();
	rs = apply(base, family, (const char *)data + 1, size - 1, flags);
	if (rs && data[0] & 8) { /* the same again, on top */
		struct fw_ruleset *next =
			apply(rs, family, (const char *)data + 1, size - 1, flags);

		if (next) {
			fw_ruleset_unref(rs, &env);
			rs = next;
		}
	}
	if (rs) {
		check_counts(rs, family);
		check_fixed_point(rs, family);
	}
	fw_ruleset_unref(rs, &env);
	fw_ruleset_unref(base, &env);
	return 0;
}
