/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of keys, their defaults and values (config.h); help shows the defaults as they are. */
#include "keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fw/mark.h"
#include "fw/opt.h"
#include "http/endpoint.h"

enum kind { TEXT, NUMBER, ONOFF, FAIL };

struct key {
	const char *name;
	enum kind kind;
	size_t offset; /* in struct fwd_options */
	uint32_t min, max;
	const char *arg, *help;
};

#define CONF(member) offsetof(struct fwd_options, config.member)

static const struct key keys[] = {
	{"socket", TEXT, CONF(socket), 0, 0, "PATH",
	 "control socket (default: by network namespace in /run/fwd)"},
	{"rules", TEXT, CONF(rules), 0, 0, "FILE",
	 "IPv4 rules to start with while the state is empty"},
	{"rules6", TEXT, CONF(rules6), 0, 0, "FILE", "the same for IPv6"},
	{"state", TEXT, CONF(state_dir), 0, 0, "DIR", "where rules and counters are kept"},
	{"queues", NUMBER, CONF(queues), 1, FWD_MAX_QUEUES, "N", "queues and threads"},
	{"queue-base", NUMBER, CONF(queue_base), 0, 65534, "N",
	 "number of the first of 4 * queues queues"},
	{"queue-len", NUMBER, CONF(queue_len), 64, 1048576, "N",
	 "packets that may wait in a queue"},
	{"fail", FAIL, CONF(fail_open), 0, 0, "open|closed",
	 "what becomes of packets while fwd cannot judge them"},
	{"offload", ONOFF, CONF(offload), 0, 0, "on|off",
	 "let the kernel go on with accepted flows"},
	{"offload-packets", NUMBER, CONF(ct.offer_every), 1, 15, "N",
	 "… of which so many packets were judged in a direction"},
	{"offload-seconds", NUMBER, CONF(offload_s), 1, 60, "N",
	 "… for so long, before it is seen to again"},
	{"persist", ONOFF, CONF(persist), 0, 0, "on|off", "keep edits in the state directory"},
	{"snapshot-interval", NUMBER, CONF(snapshot_interval), 0, 86400, "SECONDS",
	 "how much of counters, recent lists and flows a crash may lose; 0: all"},
	{"metrics", TEXT, CONF(metrics), 0, 0, "ADDR:PORT",
	 "answer Prometheus there, over HTTP (off)"},
	{"mark-shift", NUMBER, CONF(mark_shift), 0, 20, "N",
	 "lowest of the 12 packet mark bits that fwd uses"},
	{"user", TEXT, offsetof(struct fwd_options, user), 0, 0, "NAME",
	 "run as this user once set up"},
	{"seccomp", ONOFF, offsetof(struct fwd_options, seccomp), 0, 0, "on|off",
	 "system call filter"},
	{"recent-entries", NUMBER, CONF(recent_entries), 1, 1048576, "N",
	 "addresses that a recent list holds"},
	{"conntrack-max", NUMBER, CONF(ct.max_flows), 16, 16777216, "N", "flows that are tracked"},
	{"conntrack-tcp-loose", ONOFF, CONF(ct.tcp_loose), 0, 0, "on|off",
	 "pick up connections that already run"},
	{"conntrack-tcp-be-liberal", ONOFF, CONF(ct.tcp_be_liberal), 0, 0, "on|off",
	 "only resets outside the window are INVALID"},
	{"conntrack-checksum", ONOFF, CONF(ct.checksum), 0, 0, "on|off",
	 "packets with bad checksums are INVALID"},
	{"conntrack-acct", ONOFF, CONF(ct.acct), 0, 0, "on|off",
	 "count packets and bytes of each flow"},
	{"conntrack-tcp-max-retrans", NUMBER, CONF(ct.tcp_max_retrans), 0, 255, "N",
	 "retransmissions before the shorter timeout"},
};

/* "conntrack-NAME = SECONDS" for each timeout that the tracker knows by a name with "timeout". */
#define TIMEOUT_PREFIX "conntrack-"

void fwd_options_init(struct fwd_options *o)
{
	*o = (struct fwd_options){
		.config = {.rules = "/etc/fwd/rules.v4",
			   .rules6 = "/etc/fwd/rules.v6",
			   .state_dir = "/var/lib/fwd",
			   .queues = 1,
			   .queue_base = 64000,
			   .offload = true,
			   .offload_s = 5,
			   .persist = true,
			   .snapshot_interval = 30,
			   .mark_shift = FW_MARK_SHIFT_DEFAULT,
			   .queue_len = 32768,
			   .ct = FW_CT_CONFIG_INIT,
			   .recent_entries = 100},
		.seccomp = true,
	};
}

void fwd_options_deinit(struct fwd_options *o)
{
	while (o->n_strings)
		free(o->strings[--o->n_strings]);
}

static int keep(struct fwd_options *o, const char *value, const char **ret, struct fw_err *err)
{
	char *copy;

	if (o->n_strings == FW_ARRAY_SIZE(o->strings))
		return fw_fail(err, FW_ERR_LIMIT, "too many values");
	copy = strdup(value);
	if (!copy)
		return fw_fail(err, FW_ERR_RESOURCE, "out of memory");
	o->strings[o->n_strings++] = copy;
	*ret = *copy ? copy : NULL;
	return 0;
}

static int take_word(const struct key *k, const char *value, const char *no, const char *yes,
		     bool *ret, struct fw_err *err)
{
	if (strcmp(value, no) && strcmp(value, yes))
		return fw_fail(err, FW_ERR_USAGE, "%s: '%s' is neither '%s' nor '%s'", k->name,
			       value, yes, no);
	*ret = !strcmp(value, yes);
	return 0;
}

static int take_number(const char *name, const char *value, uint32_t min, uint32_t max, void *ret,
		       struct fw_err *err)
{
	uint64_t n;
	uint32_t n32;

	if (fw_parse_u64(value, min, max, &n))
		return fw_fail(err, FW_ERR_USAGE, "%s: '%s' is not in %u..%u", name, value, min,
			       max);
	n32 = (uint32_t)n;
	memcpy(ret, &n32, sizeof(n32));
	return 0;
}

static int take_timeout(struct fwd_options *o, const char *name, const char *value,
			struct fw_err *err)
{
	struct fwd_timeout *t = &o->timeouts[o->n_timeouts];
	int r;

	if (o->n_timeouts == FWD_TIMEOUTS_MAX)
		return fw_fail(err, FW_ERR_LIMIT, "%s: too many timeouts", name);
	r = take_number(name, value, 0, INT32_MAX / 1000, &t->seconds, err);
	if (r)
		return r;
	snprintf(t->name, sizeof(t->name), "%s", name + strlen(TIMEOUT_PREFIX));
	for (char *p = t->name; *p; p++)
		if (*p == '-')
			*p = '_';
	o->n_timeouts++;
	return 0;
}

static const struct key *find(const char *name)
{
	for (size_t i = 0; i < FW_ARRAY_SIZE(keys); i++)
		if (!strcmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

static bool is_timeout(const char *name)
{
	return !strncmp(name, TIMEOUT_PREFIX, strlen(TIMEOUT_PREFIX)) && strstr(name, "timeout");
}

bool fwd_options_know(const char *name)
{
	return find(name) || is_timeout(name);
}

int fwd_options_take(struct fwd_options *o, const char *name, const char *value, struct fw_err *err)
{
	const struct key *k = find(name);
	struct sockaddr_storage addr;
	socklen_t len;
	void *place;

	if (!k && is_timeout(name))
		return take_timeout(o, name, value, err);
	if (!k) {
		fw_fail(err, FW_ERR_USAGE, "unknown key '%s'", name);
		fw_err_hint(err, "fwd --help lists the keys");
		return -ENOENT;
	}
	place = (char *)o + k->offset;
	switch (k->kind) {
	case TEXT:
		if (place == &o->config.metrics && *value &&
		    fwd_endpoint_parse(value, &addr, &len, err))
			return -EINVAL;
		return keep(o, value, place, err);
	case NUMBER: return take_number(k->name, value, k->min, k->max, place, err);
	case ONOFF: return take_word(k, value, "off", "on", place, err);
	case FAIL: return take_word(k, value, "closed", "open", place, err);
	}
	return -EINVAL;
}

/* "(64000)": what the key is without being told. */
static void add_default(const struct key *k, const struct fwd_options *o, struct fw_buf *out)
{
	const void *place = (const char *)o + k->offset;
	const char *text;
	uint32_t n;

	switch (k->kind) {
	case TEXT:
		memcpy(&text, place, sizeof(text));
		if (text)
			fw_buf_fmt(out, " (%s)", text);
		break;
	case NUMBER:
		memcpy(&n, place, sizeof(n));
		fw_buf_fmt(out, " (%u)", n);
		break;
	case ONOFF: fw_buf_str(out, *(const bool *)place ? " (on)" : " (off)"); break;
	case FAIL: fw_buf_str(out, *(const bool *)place ? " (open)" : " (closed)"); break;
	}
}

void fwd_options_help(struct fw_buf *out)
{
	struct fwd_options defaults;

	fwd_options_init(&defaults);
	fw_buf_str(out,
		   "usage: fwd [--KEY VALUE]...\n\n"
		   "Judges this network namespace's packets by iptables' rules; fwctl edits "
		   "them.\n\n");
	for (size_t i = 0; i < FW_ARRAY_SIZE(keys); i++) {
		char left[48];

		snprintf(left, sizeof(left), "--%s %s", keys[i].name, keys[i].arg);
		fw_buf_fmt(out, "  %-34s %s", left, keys[i].help);
		add_default(&keys[i], &defaults, out);
		fw_buf_char(out, '\n');
	}
	fw_buf_str(out,
		   "  --conntrack-…-timeout-… SECONDS    the tracker's timeouts, named as the "
		   "kernel's sysctls\n"
		   "  --config FILE                      keys from a file, KEY = VALUE "
		   "(/etc/fwd/fwd.conf)\n"
		   "  --check-config [FILE]              say whether configuration and rules files "
		   "are right\n"
		   "  --version, --help\n");
}
