/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What there is to count (control/metrics.h), and the verb that prints it.
 *
 * The label `rule` is the rule's identity: it does not change when rules are inserted around it,
 * and no two rules share one, so there are never two series of one name.  An address is never a
 * label.  Series of one metric stand together, as the format asks; hence one walk over the rules
 * for packets and one for bytes.
 */
#include "control/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "control/process.h"
#include "control/verbs.h"
#include "fw/text.h"

static void head(struct fw_buf *out, const char *name, const char *type, const char *help)
{
	fw_buf_fmt(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void single(struct fw_buf *out, const char *name, const char *type, const char *help,
		   uint64_t value)
{
	head(out, name, type, help);
	fw_buf_fmt(out, "%s %" PRIu64 "\n", name, value);
}

/* How many bytes the UTF-8 character at s has; 0: it is none. */
static size_t utf8_length(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t n = u[0] < 0x80		      ? 1
		: u[0] >= 0xc2 && u[0] < 0xe0 ? 2
		: u[0] >= 0xe0 && u[0] < 0xf0 ? 3
		: u[0] >= 0xf0 && u[0] < 0xf5 ? 4
					      : 0;

	for (size_t i = 1; i < n; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] >= 0xa0) ||
	    (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] >= 0x90))
		return 0;
	return n;
}

/* A label's value: backslash, quote and newline escaped, what is not UTF-8 replaced. */
static void label(struct fw_buf *out, const char *s)
{
	while (*s) {
		size_t n = utf8_length(s);

		if (*s == '\\' || *s == '"')
			fw_buf_char(out, '\\');
		if (*s == '\n')
			fw_buf_str(out, "\\n");
		else if (!n)
			fw_buf_str(out, "\xef\xbf\xbd");
		else
			fw_buf_add(out, s, n);
		s += n ? n : 1;
	}
}

/* The text of -m comment: its first option is the text itself. */
static const char *comment_of(const struct fw_rule *rule)
{
	for (unsigned int i = 0; i < rule->n_matches; i++) {
		const struct fw_use *use = &rule->matches[i];

		if (!strcmp(use->ext->name, "comment") && use->ext->opts &&
		    use->ext->opts[0].kind == FW_OPT_STRING)
			return (const char *)use->data + use->ext->opts[0].offset;
	}
	return "";
}

enum counter { PACKETS, BYTES };

static uint64_t read_counter(const struct fw_counters *c, enum counter which)
{
	return __atomic_load_n(which == PACKETS ? &c->packets : &c->bytes, __ATOMIC_RELAXED);
}

static void rule_series(struct fw_buf *out, const char *metric, const struct fw_table *t,
			const struct fw_chain *chain, const struct fw_rule *rule,
			enum counter which)
{
	fw_buf_str(out, metric);
	fw_buf_fmt(out, "{family=\"%s\",table=\"%s\",chain=\"",
		   t->family == FW_IP4 ? "ipv4" : "ipv6", fw_table_name(t->id));
	label(out, chain->name);
	fw_buf_fmt(out, "\",rule=\"%" PRIu64 "\",target=\"", rule->id);
	label(out, fw_rule_target_name(rule, t));
	fw_buf_str(out, "\",comment=\"");
	label(out, comment_of(rule));
	fw_buf_str(out, "\"} ");
	fw_buf_u64(out, read_counter(&rule->counters, which));
	fw_buf_char(out, '\n');
}

static void policy_series(struct fw_buf *out, const char *metric, const struct fw_table *t,
			  const struct fw_chain *chain, enum counter which)
{
	fw_buf_fmt(out, "%s{family=\"%s\",table=\"%s\",chain=\"%s\",policy=\"%s\"} ", metric,
		   t->family == FW_IP4 ? "ipv4" : "ipv6", fw_table_name(t->id), chain->name,
		   chain->policy == FW_DROP ? "DROP" : "ACCEPT");
	fw_buf_u64(out, read_counter(chain->policy_counters, which));
	fw_buf_char(out, '\n');
}

static void table_series(struct fw_buf *out, const char *metric, const struct fw_table *t,
			 bool policies, enum counter which)
{
	for (uint32_t slot = 0; slot < t->n_slots; slot++) {
		const struct fw_chain *chain = t->chains[slot];

		if (!chain)
			continue;
		if (policies && chain->builtin)
			policy_series(out, metric, t, chain, which);
		for (uint32_t n = 1; !policies && n <= chain->n_rules; n++)
			rule_series(out, metric, t, chain, fw_chain_rule(chain, n), which);
	}
}

static void rules_metric(struct fw_buf *out, const struct fw_ruleset *rs, const char *name,
			 const char *help, bool policies, enum counter which)
{
	head(out, name, "counter", help);
	for (int f = 0; f < FW_N_FAMILIES; f++)
		for (int t = 0; t < FW_N_TABLES; t++)
			table_series(out, name, rs->tables[f][t], policies, which);
}

void fwd_metrics_rules(const struct fw_ruleset *rs, struct fw_buf *out)
{
	rules_metric(out, rs, "fwd_rule_packets_total", "Packets that a rule matched.", false,
		     PACKETS);
	rules_metric(out, rs, "fwd_rule_bytes_total", "IP bytes that a rule matched.", false,
		     BYTES);
	rules_metric(out, rs, "fwd_chain_policy_packets_total", "Packets that a policy decided.",
		     true, PACKETS);
	rules_metric(out, rs, "fwd_chain_policy_bytes_total", "IP bytes that a policy decided.",
		     true, BYTES);
}

static void ruleset_metrics(struct fw_buf *out, struct fwd *d)
{
	const struct fw_ruleset *rs = d->core.ruleset;

	head(out, "fwd_rules", "gauge", "Rules in a table.");
	for (int f = 0; f < FW_N_FAMILIES; f++)
		for (int t = 0; t < FW_N_TABLES; t++)
			fw_buf_fmt(out, "fwd_rules{family=\"%s\",table=\"%s\"} %" PRIu64 "\n",
				   f == FW_IP4 ? "ipv4" : "ipv6",
				   fw_table_name((enum fw_table_id)t), rs->tables[f][t]->n_rules);
	single(out, "fwd_ruleset_generation", "gauge", "Edits published since the start.",
	       rs->generation);
	single(out, "fwd_ruleset_last_edit_timestamp_seconds", "gauge",
	       "When rules were last edited; 0: not since the start.",
	       d->editor.last_edit_wall / FW_NSEC_PER_SEC);
}

static void conntrack_metrics(struct fw_buf *out, struct fwd *d)
{
	struct fw_ct_stats st;

	pthread_mutex_lock(&d->core.lock);
	st = *fw_ct_stats(d->core.world.ct);
	pthread_mutex_unlock(&d->core.lock);
	single(out, "fwd_conntrack_entries", "gauge", "Flows that are tracked.", st.flows);
	single(out, "fwd_conntrack_entries_limit", "gauge", "Flows that can be tracked.",
	       d->options.config.ct.max_flows);
	head(out, "fwd_conntrack_events_total", "counter", "What the tracker did, by kind.");

	const struct {
		const char *event;
		uint64_t value;
	} rows[] = {{"found", st.found},	   {"invalid", st.invalid},
		    {"insert", st.insert},	   {"drop", st.drop},
		    {"early_drop", st.early_drop}, {"expired", st.expired},
		    {"icmp_error", st.icmp_error}};

	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++)
		fw_buf_fmt(out, "fwd_conntrack_events_total{event=\"%s\"} %" PRIu64 "\n",
			   rows[i].event, rows[i].value);
}

#define Q(member) offsetof(struct fwd_queue_stats, member)

static const struct {
	const char *name, *labels; /* labels: beside queue, with a comma in front */
	size_t offset;
	const char *help; /* NULL: another series of the metric above */
} queue_rows[] = {
	{"fwd_packets_total", ",verdict=\"accept\"", Q(accepted),
	 "Packets by what became of them."},
	{"fwd_packets_total", ",verdict=\"drop\"", Q(dropped), NULL},
	{"fwd_packets_total", ",verdict=\"queue\"", Q(queued_on), NULL},
	{"fwd_queue_packets_total", "", Q(packets), "Packets that rules have judged."},
	{"fwd_queue_malformed_total", "", Q(malformed), "Packets whose headers made no sense."},
	{"fwd_queue_overruns_total", "", Q(overruns), "Times that the socket's buffer overran."},
	{"fwd_queue_dropped_total", ",where=\"kernel\"", Q(kernel_dropped),
	 "Packets that never reached the daemon."},
	{"fwd_queue_dropped_total", ",where=\"user\"", Q(user_dropped), NULL},
};

static void queue_metrics(struct fw_buf *out, struct fwd *d)
{
	struct fwd_queue_stats q[FWD_MAX_QUEUES];
	size_t n = fwd_kernel_stats(d->editor.kernel, q, FW_ARRAY_SIZE(q));

	for (size_t r = 0; r < FW_ARRAY_SIZE(queue_rows); r++) {
		if (queue_rows[r].help)
			head(out, queue_rows[r].name, "counter", queue_rows[r].help);
		for (size_t i = 0; i < n; i++) {
			uint64_t value;

			memcpy(&value, (const char *)&q[i] + queue_rows[r].offset, sizeof(value));
			fw_buf_fmt(out, "%s{queue=\"%u\"%s} %" PRIu64 "\n", queue_rows[r].name,
				   q[i].number, queue_rows[r].labels, value);
		}
	}
	head(out, "fwd_queue_length", "gauge", "Packets that wait for the daemon.");
	for (size_t i = 0; i < n; i++)
		fw_buf_fmt(out, "fwd_queue_length{queue=\"%u\"} %" PRIu32 "\n", q[i].number,
			   q[i].waiting);
}

static void offload_metrics(struct fw_buf *out, struct fwd *d)
{
	struct fwd_offload_stats st;

	fwd_kernel_offload_stats(d->editor.kernel, &st);
	single(out, "fwd_offload_entries", "gauge",
	       "Flows that the kernel lets pass, one for each direction at each hook.", st.flows);
	single(out, "fwd_offload_packets_total", "counter",
	       "Packets that passed so; they are in the rules' counters, too.", st.packets);
	single(out, "fwd_offload_bytes_total", "counter", "Their IP bytes.", st.bytes);
}

static void block_metrics(struct fw_buf *out, struct fwd *d)
{
	struct fwd_block_stats st;

	fwd_kernel_block_stats(d->editor.kernel, &st);
	single(out, "fwd_offload_sources", "gauge", "Sources that the kernel drops by itself.",
	       st.sources);
	single(out, "fwd_offload_dropped_packets_total", "counter",
	       "Packets that it dropped so; they are in the rules' counters, too.",
	       st.dropped.packets);
	single(out, "fwd_offload_dropped_bytes_total", "counter", "Their IP bytes.",
	       st.dropped.bytes);
}

static void process_metrics(struct fw_buf *out)
{
	struct fwd_process p;

	fwd_process_read(&p);
	head(out, "process_cpu_seconds_total", "counter", "Processor time, user and system.");
	fw_buf_fmt(out, "process_cpu_seconds_total %.2f\n", p.cpu_seconds);
	head(out, "process_start_time_seconds", "gauge", "When the process started.");
	fw_buf_fmt(out, "process_start_time_seconds %.2f\n", p.start_seconds);
	single(out, "process_resident_memory_bytes", "gauge", "Memory in RAM.", p.resident_bytes);
	single(out, "process_virtual_memory_bytes", "gauge", "Memory mapped.", p.virtual_bytes);
	single(out, "process_open_fds", "gauge", "Open file descriptors.", p.open_fds);
	single(out, "process_max_fds", "gauge", "Limit of open file descriptors.", p.max_fds);
}

void fwd_metrics_rest(struct fwd *d, struct fw_buf *out)
{
	fwd_policy_collect(&d->editor);
	head(out, "fwd_build_info", "gauge", "Always 1; the label tells the version.");
	fw_buf_fmt(out, "fwd_build_info{version=\"%s\"} 1\n", FWD_VERSION);
	ruleset_metrics(out, d);
	conntrack_metrics(out, d);
	queue_metrics(out, d);
	offload_metrics(out, d);
	block_metrics(out, d);
	if (d->editor.store)
		single(out, "fwd_journal_bytes", "gauge", "Edits on disk since the last snapshot.",
		       fwd_store_journal_bytes(d->editor.store));
	process_metrics(out);
}

int fwd_verb_metrics(struct fwd_call *call, struct fw_err *err)
{
	fwd_metrics_rest(call->d, call->out);
	fwd_metrics_rules(call->d->core.ruleset, call->out);
	return 0;
}
