/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The stage on which simulate and explain play: a tracker and recent lists that start empty, the
 * rules, and what is printed while a packet walks through them.
 */
#include "stage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fw/ct.h"
#include "fw/recent.h"
#include "fw/text.h"

static const char *reject_name(enum fw_reject reject)
{
	static const char *const names[FW_N_REJECTS] = {
		[FW_REJECT_TCP_RESET] = "tcp-reset",
		[FW_REJECT_ICMP_NET_UNREACH] = "icmp-net-unreachable",
		[FW_REJECT_ICMP_HOST_UNREACH] = "icmp-host-unreachable",
		[FW_REJECT_ICMP_PROTO_UNREACH] = "icmp-proto-unreachable",
		[FW_REJECT_ICMP_PORT_UNREACH] = "icmp-port-unreachable",
		[FW_REJECT_ICMP_NET_PROHIBITED] = "icmp-net-prohibited",
		[FW_REJECT_ICMP_HOST_PROHIBITED] = "icmp-host-prohibited",
		[FW_REJECT_ICMP_ADMIN_PROHIBITED] = "icmp-admin-prohibited",
		[FW_REJECT_ICMP6_NO_ROUTE] = "icmp6-no-route",
		[FW_REJECT_ICMP6_ADM_PROHIBITED] = "icmp6-adm-prohibited",
		[FW_REJECT_ICMP6_ADDR_UNREACH] = "icmp6-addr-unreachable",
		[FW_REJECT_ICMP6_PORT_UNREACH] = "icmp6-port-unreachable",
		[FW_REJECT_ICMP6_POLICY_FAIL] = "icmp6-policy-fail",
		[FW_REJECT_ICMP6_REJECT_ROUTE] = "icmp6-reject-route",
	};

	return reject < FW_N_REJECTS && names[reject] ? names[reject] : "nothing";
}

static const char *verdict_name(enum fw_verdict v)
{
	return v == FW_ACCEPT ? "ACCEPT" : v == FW_DROP ? "DROP" : "QUEUE";
}

/* One line for each rule that was looked at. */
static void trace(void *priv, const struct fw_eval *e, enum fw_table_id table,
		  const struct fw_chain *chain, uint32_t number, const struct fw_rule *rule,
		  bool matched)
{
	struct ctl_stage *s = priv;
	struct fw_buf text = FW_BUF_INIT;

	if (matched && rule && rule->verdict == FW_ACCEPT &&
	    (!s->passed.rule || s->passed.table != FW_FILTER || table == FW_FILTER)) {
		s->passed.rule = rule;
		s->passed.chain = chain;
		s->passed.table = table;
		s->passed.number = number;
	}
	if (!rule && table == FW_FILTER)
		s->policy = chain;
	if (!s->trace)
		return;
	if (!rule) {
		/* tables that nobody uses are not worth a line */
		if (!s->rs->tables[e->pkt->family][table]->n_rules && chain->policy == FW_ACCEPT)
			return;
		printf("  %-8s %-16s policy %s\n", fw_table_name(table), chain->name,
		       verdict_name((enum fw_verdict)chain->policy));
		return;
	}
	fw_rule_print(rule, s->rs->tables[e->pkt->family][table], &text);
	printf("%c %-8s %-16s %4u %s\n", matched ? '>' : ' ', fw_table_name(table), chain->name,
	       number, fw_buf_cstr(&text));
	fw_buf_deinit(&text);
}

static void log_line(void *priv, int level, const char *line, size_t len)
{
	const struct ctl_stage *s = priv;

	if (s->trace)
		printf("  log level %d: %.*s\n", level, (int)len, line);
}

int ctl_stage_init(struct ctl_stage *s, bool show)
{
	struct fw_ct_config config = FW_CT_CONFIG_INIT;

	*s = (struct ctl_stage){.trace = show};
	s->ops.trace = trace;
	s->ops.log = log_line;
	s->world.ops = &s->ops;
	s->world.priv = s;
	s->world.ct = fw_ct_new(&config);
	s->world.recent = fw_recent_new(0, 0);
	s->world.rng = (uint64_t)time(NULL);
	s->stack = calloc(FW_MAX_DEPTH, sizeof(*s->stack));
	s->env.world = &s->world;
	s->env.inspect = true; /* rules are walked one by one, so that each can be shown */
	s->env.now = (uint64_t)time(NULL) * FW_NSEC_PER_SEC;
	return s->world.ct && s->world.recent && s->stack ? 0 : -ENOMEM;
}

void ctl_stage_rules(struct ctl_stage *s, struct fw_ruleset *rs)
{
	struct fw_needs needs;

	s->rs = rs;
	fw_ruleset_needs(rs, &needs);
	fw_plan_make(&needs, &s->plan);
}

void ctl_stage_deinit(struct ctl_stage *s)
{
	fw_ruleset_unref(s->rs, &s->env);
	fw_ct_free(s->world.ct);
	fw_recent_free(s->world.recent);
	free(s->stack);
}

static void print_rule(const struct ctl_stage *s, enum fw_family family, enum fw_table_id table,
		       const struct fw_chain *chain, uint32_t number, const struct fw_rule *rule)
{
	struct fw_buf text = FW_BUF_INIT;

	fw_rule_print(rule, s->rs->tables[family][table], &text);
	printf(" by %s %s rule %u:%s", fw_table_name(table), chain->name, number,
	       fw_buf_cstr(&text));
	fw_buf_deinit(&text);
}

void ctl_stage_print(const struct ctl_stage *s, const struct fw_packet *pkt,
		     const struct fw_decision *d)
{
	printf("%s", verdict_name(d->verdict));
	if (d->reject)
		printf(" (REJECT with %s)", reject_name(d->reject));
	if (d->verdict == FW_QUEUE)
		printf(" %u", d->queue);
	if (d->verdict == FW_ACCEPT && s->passed.rule)
		print_rule(s, pkt->family, s->passed.table, s->passed.chain, s->passed.number,
			   s->passed.rule);
	else if (d->rule)
		print_rule(s, pkt->family, d->table, d->chain, d->number, d->rule);
	else if (d->verdict == FW_ACCEPT && s->policy)
		printf(" by the policy of filter %s", s->policy->name);
	else if (d->chain)
		printf(" by the policy of %s %s", fw_table_name(d->table), d->chain->name);
	if (d->mark)
		printf(", mark 0x%x", d->mark);
	putchar('\n');
}

enum fw_verdict ctl_stage_walk(struct ctl_stage *s, const struct ctl_packet *p,
			       struct fw_packet *pkt, uint64_t now, struct fw_decision *d)
{
	enum fw_hook path[FW_N_HOOKS];
	size_t n = ctl_packet_path(p, path);
	char in[FW_IFNAMSIZ], out[FW_IFNAMSIZ];

	s->passed.rule = NULL;
	s->policy = NULL;
	memcpy(in, pkt->meta.in_name, sizeof(in));
	memcpy(out, pkt->meta.out_name, sizeof(out));
	for (size_t i = 0; i < n; i++) {
		bool no_in = path[i] == FW_OUTPUT || path[i] == FW_POSTROUTING;
		bool no_out = path[i] == FW_PREROUTING || path[i] == FW_INPUT;

		pkt->meta.hook = (uint8_t)path[i];
		memset(pkt->meta.in_name, 0, sizeof(in));
		memset(pkt->meta.out_name, 0, sizeof(out));
		if (!no_in)
			memcpy(pkt->meta.in_name, in, sizeof(in));
		if (!no_out)
			memcpy(pkt->meta.out_name, out, sizeof(out));
		if (s->trace)
			printf("%s\n", fw_hook_name(path[i]));
		fw_engine_run_plain(s->rs, &s->plan, &s->world, pkt, now, now, s->stack, d);
		if (d->verdict != FW_ACCEPT)
			break;
		pkt->meta.mark = d->mark;
		if (d->ctinfo)
			pkt->meta.ctinfo = d->ctinfo;
	}
	return d->verdict;
}
