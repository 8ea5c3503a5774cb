/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of a command: what can only be judged when all words are known, and the rules made.
 * The order of the checks is iptables', because scripts see only the first complaint.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "text/options.h"
#include "text/parse.h"

static bool is_rule_command(enum fw_cmd_op op)
{
	return op == FW_CMD_APPEND || op == FW_CMD_CHECK || op == FW_CMD_DELETE ||
		op == FW_CMD_INSERT || op == FW_CMD_REPLACE;
}

static int check_nat(struct fw_parser *p)
{
	bool drop = p->verdict == FW_DROP || (p->policy_word && !strcmp(p->policy_word, "DROP"));

	if (p->table != FW_NAT || !drop)
		return 0;
	fw_parse_bad(p, p->policy_word ? p->places->other : p->places->target,
		     "The \"nat\" table is not intended for filtering, "
		     "the use of DROP is therefore inhibited.");
	fw_err_hint(p->err, "drop in table filter, or in mangle or raw to drop before filter");
	return -EINVAL;
}

static int check_uses(struct fw_parser *p)
{
	struct fw_parse_ctx ctx;
	int r = 0;

	fw_parse_ctx_make(p, &ctx);
	for (uint8_t i = 0; !r && i < p->n_matches; i++)
		r = fw_use_check(&ctx, &p->matches[i], p->err);
	if (!r && p->target.ext)
		r = fw_use_check(&ctx, &p->target, p->err);
	return r;
}

/* The kernel's own check: tcp options only in rules that are about TCP. */
static int check_proto(struct fw_parser *p, const struct fw_use *use)
{
	const struct fw_ext *ext = use->ext;

	if (!ext->proto || (p->gen.proto == ext->proto && !(p->gen.inv & FW_INV_PROTO)))
		return 0;
	fw_fail(p->err, FW_ERR_PLACE, "%s: the rule must say -p %s", ext->name,
		fw_proto_name(ext->proto) ? fw_proto_name(ext->proto) : "?");
	if (p->gen.inv & FW_INV_PROTO)
		fw_err_hint(p->err, "! -p says the opposite");
	fw_err_at(p->err, p->places->line, p->proto_place.column, p->proto_place.length);
	return -EINVAL;
}

/* ... and what a target must find among the matches. */
static int check_beside(struct fw_parser *p)
{
	const struct fw_ext *ext = p->target.ext;

	if (!ext || !ext->beside ||
	    ext->beside(&p->target, &p->gen, p->matches, p->n_matches, p->err) == 0)
		return 0;
	fw_err_at(p->err, p->places->line, p->places->target.column, p->places->target.length);
	return -EINVAL;
}

static int illegal(struct fw_parser *p)
{
	static const struct {
		unsigned int opt;
		char letter;
	} names[] = {
		{OPT_NUMERIC, 'n'},  {OPT_SOURCE, 's'},	  {OPT_DESTINATION, 'd'},
		{OPT_PROTOCOL, 'p'}, {OPT_JUMP, 'j'},	  {OPT_EXACT, 'x'},
		{OPT_IN, 'i'},	     {OPT_OUT, 'o'},	  {OPT_NUMBERS, '0'},
		{OPT_COUNTERS, 'c'}, {OPT_FRAGMENT, 'f'},
	};
	const unsigned int list = OPT_NUMERIC | OPT_EXACT | OPT_NUMBERS;
	enum fw_cmd_op op = p->cmd->op;
	unsigned int legal = 0;

	if (op == FW_CMD_LIST)
		legal = list;
	if (is_rule_command(op))
		legal = ~(list | OPT_COUNTERS);
	if (op == FW_CMD_APPEND || op == FW_CMD_INSERT || op == FW_CMD_REPLACE ||
	    op == FW_CMD_POLICY)
		legal |= OPT_COUNTERS;
	for (size_t i = 0; i < FW_ARRAY_SIZE(names); i++)
		if (p->options & names[i].opt & ~legal)
			return fw_parse_bad(p, fw_parse_place(p, 0),
					    "Illegal option `-%c' with this command",
					    names[i].letter);
	return 0;
}

static int check_ifaces(struct fw_parser *p)
{
	const char *chain = p->cmd->chain;

	if (p->options & OPT_OUT && (!strcmp(chain, "PREROUTING") || !strcmp(chain, "INPUT")))
		return fw_parse_bad(p, p->out_place, "Can't use -o with %s", chain);
	if (p->options & OPT_IN && (!strcmp(chain, "POSTROUTING") || !strcmp(chain, "OUTPUT")))
		return fw_parse_bad(p, p->in_place, "Can't use -i with %s", chain);
	return 0;
}

static int check_table(struct fw_parser *p)
{
	enum fw_table_id table;

	if (!p->table_word || fw_table_by_name(p->table_word, &table) == 0)
		return 0;
	fw_fail(p->err, FW_ERR_NO_TABLE, "no table `%s'", p->table_word);
	fw_err_words(
		p->err,
		"can't initialize %s table `%s': Table does not exist (do you need to insmod?)",
		p->family == FW_IP4 ? "iptables" : "ip6tables", p->table_word);
	fw_err_hint(p->err, "there are filter, nat, mangle, raw and security");
	fw_err_at(p->err, p->places->line, p->table_place.column, p->table_place.length);
	return -EINVAL;
}

static int check_name(struct fw_parser *p)
{
	enum fw_cmd_op op = p->cmd->op;

	if (strlen(p->odd_name) > FW_CHAIN_MAX)
		return fw_parse_bad(p, p->places->chain,
				    "chain name `%s' too long (must be under %u chars)", p->odd_name,
				    FW_CHAIN_MAX + 1);
	fw_fail(p->err, op == FW_CMD_POLICY ? FW_ERR_NOT_BUILTIN : FW_ERR_NO_CHAIN, "no chain `%s'",
		p->odd_name);
	if (op == FW_CMD_CHECK || op == FW_CMD_DELETE)
		fw_err_words(p->err, "Bad rule (does a matching rule exist in that chain?).");
	fw_err_at(p->err, p->places->line, p->places->chain.column, p->places->chain.length);
	return -EINVAL;
}

static int check_command(struct fw_parser *p)
{
	int r = illegal(p);

	if (!r && p->odd_name)
		r = check_name(p);
	if (!r)
		r = check_ifaces(p);
	return r ? r : check_table(p);
}

static int make_rules(struct fw_parser *p, const struct fw_nets *src, const struct fw_nets *dst)
{
	struct fw_cmd *cmd = p->cmd;

	if (src->n * dst->n > FW_MAX_ADDRS)
		return fw_parse_bad(p, p->src_place, "more than %d rules in one command",
				    FW_MAX_ADDRS);
	cmd->rules = malloc(src->n * dst->n * sizeof(cmd->rules[0]));
	if (!cmd->rules)
		return fw_tx_nomem(p->err);
	for (size_t s = 0; s < src->n; s++)
		for (size_t d = 0; d < dst->n; d++) {
			struct fw_rule *rule;

			p->gen.src = src->list[s].addr;
			p->gen.src_mask = src->list[s].mask;
			p->gen.dst = dst->list[d].addr;
			p->gen.dst_mask = dst->list[d].mask;
			rule = fw_rule_new(p->family, &p->gen, p->matches, p->n_matches, &p->target,
					   p->verdict);
			if (!rule)
				return fw_tx_nomem(p->err);
			rule->counters = cmd->counters;
			cmd->rules[cmd->n_rules++] = rule;
		}
	return 0;
}

static int nets_or_any(struct fw_parser *p, const char *word, struct fw_place place,
		       struct fw_nets *nets)
{
	if (word)
		return fw_nets_parse(p, word, place, nets);
	nets->n = 1;
	nets->cap = FW_ARRAY_SIZE(nets->room);
	nets->list = nets->room;
	memset(&nets->room[0], 0, sizeof(nets->room[0]));
	return 0;
}

static int check_rules(struct fw_parser *p, const struct fw_nets *src, const struct fw_nets *dst)
{
	int r;

	if ((src->n > 1 || dst->n > 1) && p->gen.inv & (FW_INV_SRC | FW_INV_DST))
		return fw_parse_bad(
			p, src->n > 1 ? p->src_place : p->dst_place,
			"! not allowed with multiple source or destination IP addresses");
	if (p->cmd->op == FW_CMD_REPLACE && (src->n != 1 || dst->n != 1))
		return fw_parse_bad(p, src->n != 1 ? p->src_place : p->dst_place,
				    "Replacement rule does not specify a unique address");
	r = check_command(p);
	if (!is_rule_command(p->cmd->op))
		return r;
	for (uint8_t i = 0; !r && i < p->n_matches; i++)
		r = check_proto(p, &p->matches[i]);
	if (!r && p->target.ext)
		r = check_proto(p, &p->target);
	return r ? r : check_beside(p);
}

static int finish_rules(struct fw_parser *p)
{
	struct fw_nets src = {0}, dst = {0};
	int r;

	r = nets_or_any(p, p->src_word, p->src_place, &src);
	if (!r)
		r = nets_or_any(p, p->dst_word, p->dst_place, &dst);
	if (!r)
		r = check_rules(p, &src, &dst);
	if (!r && is_rule_command(p->cmd->op))
		r = make_rules(p, &src, &dst);
	fw_nets_deinit(&src);
	fw_nets_deinit(&dst);
	return r;
}

int fw_parse_finish(struct fw_parser *p)
{
	int r;

	r = check_nat(p);
	if (!r)
		r = check_uses(p);
	if (r < 0)
		return r;
	if (p->cmd->op == FW_CMD_NONE)
		return fw_parse_bad(p, fw_parse_place(p, p->n), "no command specified");
	if (p->invert)
		return fw_parse_bad(p, fw_parse_place(p, p->n), "nothing appropriate following !");
	return finish_rules(p);
}

int fw_chain_name_check(const char *name, enum fw_family family, struct fw_err *err)
{
	static const char *const taken[] = {"ACCEPT", "DROP", "RETURN", "QUEUE"};
	bool clash = fw_ext_find(name, true, family) || fw_ext_unsupported(name, true);

	if (strlen(name) > FW_CHAIN_MAX) {
		fw_fail(err, FW_ERR_USAGE, "chain name `%s' too long (must be under %u chars)",
			name, FW_CHAIN_MAX + 1);
		return -EINVAL;
	}
	if (*name == '-' || *name == '!')
		return fw_fail(err, FW_ERR_USAGE, "chain name not allowed to start with `%c'",
			       *name);
	for (size_t i = 0; i < FW_ARRAY_SIZE(taken); i++)
		clash |= !strcmp(name, taken[i]);
	if (clash) {
		fw_fail(err, FW_ERR_USAGE, "chain name may not clash with target name");
		fw_err_hint(err, "-j %s means the target; choose another name", name);
		return -EINVAL;
	}
	if (!*name || strpbrk(name, FW_NOT_IN_NAMES))
		return fw_fail(err, FW_ERR_USAGE, "Invalid chain name `%s'", name);
	return 0;
}
