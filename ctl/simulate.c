/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * simulate and explain: what would become of this packet?
 *
 * The same engine that judges real packets runs here over bytes made from words or taken from a
 * capture, with a tracker and recent lists of its own that start empty.  So what the daemon
 * remembers (connections, recent entries, spent limits) plays no part; "state established" stands
 * in for a connection.
 *
 * A described packet passes the hooks that its interfaces imply: in only: PREROUTING and INPUT; in
 * and out: PREROUTING, FORWARD, POSTROUTING; out only: OUTPUT, POSTROUTING.  Exit code: 0 accepted,
 * 1 dropped, otherwise as for any command.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "ctl.h"
#include "describe.h"
#include "list.h"
#include "pcap.h"
#include "resolve.h"
#include "say.h"
#include "textfile.h"

#include "fw/ct.h"
#include "fw/engine.h"
#include "fw/recent.h"

struct options {
	const char *rules, *pcap;
	const char **words;    /* the description */
	uint32_t *columns;
	size_t n_words;
	bool quiet;
};

/* A world of our own and what is printed of it. */
struct stage {
	struct fw_ruleset *rs; /* NULL until loaded */
	struct fw_tx_env env;
	struct fw_plan plan;
	struct fw_world world;
	struct fw_world_ops ops;
	struct fw_frame *stack;
	bool trace;
	/* the rule that let the packet pass; of several tables' filter's, for that is what people
	 * mean; the engine names the last table's policy */
	struct {
		const struct fw_rule *rule;
		const struct fw_chain *chain;
		enum fw_table_id table;
		uint32_t number;
	} passed;
	const struct fw_chain *policy; /* filter's, where no rule decided */
};

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
	struct stage *s = priv;
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
	const struct stage *s = priv;

	if (s->trace)
		printf("  log level %d: %.*s\n", level, (int)len, line);
}

static int stage_init(struct stage *s, bool show)
{
	struct fw_ct_config config = FW_CT_CONFIG_INIT;

	*s = (struct stage){.trace = show};
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

static void stage_rules(struct stage *s, struct fw_ruleset *rs)
{
	struct fw_needs needs;

	s->rs = rs;
	fw_ruleset_needs(rs, &needs);
	fw_plan_make(&needs, &s->plan);
}

static void stage_deinit(struct stage *s)
{
	fw_ruleset_unref(s->rs, &s->env);
	fw_ct_free(s->world.ct);
	fw_recent_free(s->world.recent);
	free(s->stack);
}

static void print_rule(const struct stage *s, enum fw_family family, enum fw_table_id table,
		       const struct fw_chain *chain, uint32_t number, const struct fw_rule *rule)
{
	struct fw_buf text = FW_BUF_INIT;

	fw_rule_print(rule, s->rs->tables[family][table], &text);
	printf(" by %s %s rule %u:%s", fw_table_name(table), chain->name, number, fw_buf_cstr(&text));
	fw_buf_deinit(&text);
}

static void print_decision(const struct stage *s, const struct fw_packet *pkt,
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

/* All hooks on the packet's way, until one drops it. */
static enum fw_verdict walk(struct stage *s, const struct ctl_packet *p, struct fw_packet *pkt,
			    uint64_t now, struct fw_decision *d)
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

static int run_described(struct stage *s, const struct ctl_packet *p)
{
	struct fw_buf summary = FW_BUF_INIT;
	struct fw_decision d = {.verdict = FW_ACCEPT};
	struct fw_packet pkt;
	enum fw_verdict v;

	if (fw_packet_parse(&pkt, p->family, p->data, p->cap_len, p->len, &p->meta) < 0) {
		puts("DROP: the kernel would not let such a packet in");
		return 1;
	}
	ctl_packet_summary(&pkt, &summary);
	puts(fw_buf_cstr(&summary));
	fw_buf_deinit(&summary);
	v = walk(s, p, &pkt, s->env.now, &d);
	print_decision(s, &pkt, &d);
	return v == FW_DROP;
}

static int run_capture(struct stage *s, const struct ctl_packet *meta, const char *path,
		       struct fw_err *err)
{
	struct ctl_textfile f;
	struct ctl_pcap capture;
	struct ctl_pcap_packet c;
	bool dropped = false;
	unsigned int number = 0;
	int r = ctl_textfile_read(&f, path);

	if (r < 0)
		return fw_fail(err, FW_ERR_RESOURCE, "cannot read %s: %s", path, strerror(-r));
	r = ctl_pcap_open(&capture, f.data, f.len, err);
	while (r == 0 && ctl_pcap_next(&capture, &c)) {
		struct fw_buf summary = FW_BUF_INIT;
		struct fw_decision d = {.verdict = FW_ACCEPT};
		struct fw_pkt_meta m = meta->meta;
		struct fw_packet pkt;

		if (c.has_mac && !m.has_mac) {
			memcpy(m.mac, c.mac, sizeof(m.mac));
			m.has_mac = true;
		}
		number++;
		if (fw_packet_parse(&pkt, c.family, c.data, c.cap_len, c.len, &m) < 0) {
			printf("%6u malformed DROP\n", number);
			dropped = true;
			continue;
		}
		ctl_packet_summary(&pkt, &summary);
		printf("%6u %s%s", number, fw_buf_cstr(&summary), s->trace ? "\n" : "  ");
		fw_buf_deinit(&summary);
		dropped |= walk(s, meta, &pkt, c.time_ns, &d) == FW_DROP;
		print_decision(s, &pkt, &d);
	}
	ctl_textfile_deinit(&f);
	return r < 0 ? r : dropped;
}

/* A capture's own clock: limits and lists must not start later than its first packet. */
static void start_clock(struct stage *s, const char *path)
{
	struct fw_err ignored = FW_ERR_INIT;
	struct ctl_textfile f;
	struct ctl_pcap capture;
	struct ctl_pcap_packet c;

	if (ctl_textfile_read(&f, path) < 0)
		return; /* told when the packets are read */
	if (ctl_pcap_open(&capture, f.data, f.len, &ignored) == 0 && ctl_pcap_next(&capture, &c))
		s->env.now = c.time_ns;
	ctl_textfile_deinit(&f);
}

/* The rules: of a file, or the daemon's. */
static struct fw_ruleset *load(const struct ctl *ctl, const struct options *o, enum fw_family family,
			       const struct fw_tx_env *env, int *exit_code)
{
	struct fw_err err = FW_ERR_INIT;
	struct ctl_textfile f = {.data = NULL};
	struct ctl_reply reply = CTL_REPLY_INIT;
	struct fw_ruleset *rs = NULL;
	int r;

	if (o->rules) {
		r = ctl_textfile_read(&f, o->rules);
		if (r < 0) {
			fw_fail(&err, FW_ERR_RESOURCE, "cannot read %s: %s", o->rules, strerror(-r));
			*exit_code = ctl_say(ctl, &err);
			return NULL;
		}
		rs = ctl_build(family, f.data, f.len, true, env, &err);
		if (!rs)
			*exit_code = ctl_say_text(ctl, &err, o->rules, f.data, f.len);
		ctl_textfile_deinit(&f);
		return rs;
	}
	if (ctl_request(ctl, family == FW_IP4 ? "save 4 counters all" : "save 6 counters all", NULL, 0,
			&reply) < 0)
		*exit_code = ctl_say(ctl, &reply.err);
	else if (!(rs = ctl_build(family, reply.body, reply.len, false, env, &err)))
		*exit_code = ctl_say_text(ctl, &err, "daemon", reply.body, reply.len);
	ctl_reply_deinit(&reply);
	return rs;
}

static int judge(const struct ctl *ctl, const struct options *o, const struct ctl_packet *p,
		 const struct ctl_typed *typed)
{
	struct fw_err err = FW_ERR_INIT;
	struct stage s;
	struct fw_ruleset *rs = NULL;
	int r = 4;

	if (stage_init(&s, !o->quiet) == 0) {
		if (o->pcap)
			start_clock(&s, o->pcap);
		rs = load(ctl, o, p->family, &s.env, &r);
	} else {
		fprintf(stderr, "%s: out of memory\n", ctl->prog);
	}
	if (rs) {
		stage_rules(&s, rs);
		r = o->pcap ? run_capture(&s, p, o->pcap, &err) : run_described(&s, p);
		fflush(stdout);
	}
	if (r < 0)
		r = ctl_say_cmd(ctl, &err, typed);
	stage_deinit(&s);
	return r;
}

/* --rules, --pcap and -q are ours; --hook X and --state X are words of the description. */
static int parse_options(const struct ctl *ctl, struct options *o, const struct ctl_typed *typed)
{
	for (int i = 0; i < ctl->argc; i++) {
		const char *w = ctl->argv[i];
		const char **value = !strcmp(w, "--rules")  ? &o->rules
				     : !strcmp(w, "--pcap") ? &o->pcap
							    : NULL;

		if (value) {
			if (i + 1 == ctl->argc)
				return ctl_usage(ctl, "%s wants a file", w);
			*value = ctl->argv[++i];
		} else if (!strcmp(w, "-q") || !strcmp(w, "--quiet")) {
			o->quiet = true;
		} else {
			if (!strcmp(w, "--hook") || !strcmp(w, "--state"))
				w += 2;
			o->columns[o->n_words] = typed->columns[i];
			o->words[o->n_words++] = w;
		}
	}
	return 0;
}

static int simulate(struct ctl *ctl, bool files)
{
	struct options o = {.rules = NULL};
	struct fw_err err = FW_ERR_INIT;
	struct ctl_typed typed;
	struct ctl_packet p;
	int r = 4;

	if (ctl_typed_init(&typed, ctl) < 0)
		return r;
	o.words = calloc((size_t)ctl->argc + 1, sizeof(*o.words));
	o.columns = calloc((size_t)ctl->argc + 1, sizeof(*o.columns));
	if (o.words && o.columns)
		r = parse_options(ctl, &o, &typed);
	if (r == 0 && !files && (o.rules || o.pcap))
		r = ctl_usage(ctl, "explain asks the daemon; simulate takes files");
	if (r == 0) {
		if (ctl_describe(&p, ctl->family, o.n_words, o.words, o.columns, &ctl_resolver,
				 &err) < 0)
			r = ctl_say_cmd(ctl, &err, &typed);
		else
			r = judge(ctl, &o, &p, &typed);
	}
	free(o.words);
	free(o.columns);
	ctl_typed_deinit(&typed);
	return r;
}

int ctl_simulate(struct ctl *ctl)
{
	return simulate(ctl, true);
}

int ctl_explain(struct ctl *ctl)
{
	return simulate(ctl, false);
}
