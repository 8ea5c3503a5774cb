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
#include "stage.h"
#include "textfile.h"

struct options {
	const char *rules, *pcap;
	const char **words; /* the description */
	uint32_t *columns;
	size_t n_words;
	bool quiet;
};

static int run_described(struct ctl_stage *s, const struct ctl_packet *p)
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
	v = ctl_stage_walk(s, p, &pkt, s->env.now, &d);
	ctl_stage_print(s, &pkt, &d);
	return v == FW_DROP;
}

static int run_capture(struct ctl_stage *s, const struct ctl_packet *meta, const char *path,
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
		dropped |= ctl_stage_walk(s, meta, &pkt, c.time_ns, &d) == FW_DROP;
		ctl_stage_print(s, &pkt, &d);
	}
	ctl_textfile_deinit(&f);
	return r < 0 ? r : dropped;
}

/* A capture's own clock: limits and lists must not start later than its first packet. */
static void start_clock(struct ctl_stage *s, const char *path)
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
static struct fw_ruleset *load(const struct ctl *ctl, const struct options *o,
			       enum fw_family family, const struct fw_tx_env *env, int *exit_code)
{
	struct fw_err err = FW_ERR_INIT;
	struct ctl_textfile f = {.data = NULL};
	struct ctl_reply reply = CTL_REPLY_INIT;
	struct fw_ruleset *rs = NULL;
	int r;

	if (o->rules) {
		r = ctl_textfile_read(&f, o->rules);
		if (r < 0) {
			fw_fail(&err, FW_ERR_RESOURCE, "cannot read %s: %s", o->rules,
				strerror(-r));
			*exit_code = ctl_say(ctl, &err);
			return NULL;
		}
		rs = ctl_build(family, f.data, f.len, true, env, &err);
		if (!rs)
			*exit_code = ctl_say_text(ctl, &err, o->rules, f.data, f.len);
		ctl_textfile_deinit(&f);
		return rs;
	}
	if (ctl_request(ctl, family == FW_IP4 ? "save 4 counters all" : "save 6 counters all", NULL,
			0, &reply) < 0)
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
	struct ctl_stage s;
	struct fw_ruleset *rs = NULL;
	int r = 4;

	if (ctl_stage_init(&s, !o->quiet) == 0) {
		if (o->pcap)
			start_clock(&s, o->pcap);
		rs = load(ctl, o, p->family, &s.env, &r);
	} else {
		fprintf(stderr, "%s: out of memory\n", ctl->prog);
	}
	if (rs) {
		ctl_stage_rules(&s, rs);
		r = o->pcap ? run_capture(&s, p, o->pcap, &err) : run_described(&s, p);
		fflush(stdout);
	}
	if (r < 0)
		r = ctl_say_cmd(ctl, &err, typed);
	ctl_stage_deinit(&s);
	return r;
}

/* --rules, --pcap and -q are ours; --hook X and --state X are words of the description. */
static int parse_options(const struct ctl *ctl, struct options *o, const struct ctl_typed *typed)
{
	for (int i = 0; i < ctl->argc; i++) {
		const char *w = ctl->argv[i];
		const char **value = !strcmp(w, "--rules") ? &o->rules
			: !strcmp(w, "--pcap")		   ? &o->pcap
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
