/* SPDX-License-Identifier: GPL-2.0-or-later */
/* -j LOG: one line for the packet to the host's log, and on with the next rule. */
#include <string.h>

#include "opt/opt.h"
#include "targets/logline.h"

#define LEVEL_DEFAULT 4 /* warning */
#define PREFIX_MAX    29

struct log {
	uint8_t level, flags;
	char prefix[PREFIX_MAX + 1];
};

enum { PREFIX, LEVEL, TCP_SEQUENCE, TCP_OPTIONS, IP_OPTIONS, UID, MACDECODE };

/* The first name of a level is the one that -L prints. */
static const struct fw_opt_name levels[] = {
	{"emerg", 0},  {"panic", 0},   {"alert", 1},  {"crit", 2}, {"err", 3},   {"error", 3},
	{"warn", 4},   {"warning", 4}, {"notice", 5}, {"info", 6}, {"debug", 7}, {NULL},
};

static int take_prefix(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		       bool inverted, const char *const *words, struct fw_err *err)
{
	struct log *log = use->data;
	size_t len = strlen(words[0]);
	int r;

	if (!len) {
		r = fw_opt_refuse(err, use, opt, words[0], "is empty");
		fw_err_words(err, "Argument must have a minimum length of 1 characters");
		return r;
	}
	if (strchr(words[0], '\n')) {
		r = fw_fail(err, FW_ERR_USAGE, "LOG: --log-prefix: a prefix is one line");
		fw_err_words(err, "Newlines not allowed in --log-prefix");
		return r;
	}
	memcpy(log->prefix, words[0], len < PREFIX_MAX ? len : PREFIX_MAX);
	return 0;
}

static void print_prefix(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			 struct fw_buf *out)
{
	const struct log *log = use->data;

	fw_print_quoted(log->prefix, out);
}

static int take_level(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
		      bool inverted, const char *const *words, struct fw_err *err)
{
	struct log *log = use->data;
	uint64_t level;
	int r;

	if (!fw_parse_u64(words[0], 0, 7, &level)) {
		log->level = (uint8_t)level;
		return 0;
	}
	for (const struct fw_opt_name *n = levels; n->name; n++)
		if (!strcmp(n->name, words[0])) {
			log->level = (uint8_t)n->value;
			return 0;
		}
	r = fw_opt_refuse(err, use, opt, words[0],
			  "is neither 0..7 nor emerg alert crit error warning notice info debug");
	fw_err_words(err, "log level \"%s\" unknown", words[0]);
	return r;
}

static void print_level(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			struct fw_buf *out)
{
	const struct log *log = use->data;

	fw_buf_u64(out, log->level);
}

static const struct fw_opt opts[] = {
	[PREFIX] = {.name = "log-prefix", .kind = FW_OPT_CUSTOM, .parse = take_prefix,
		    .print = print_prefix, .arg = "prefix",
		    .help = "Prefix log messages with this prefix."},
	[LEVEL] = {.name = "log-level", .kind = FW_OPT_CUSTOM, .parse = take_level,
		   .print = print_level, .arg = "level",
		   .help = "Level of logging (numeric or see syslog.conf)"},
	[TCP_SEQUENCE] = {.name = "log-tcp-sequence", .kind = FW_OPT_FLAG,
			  .help = "Log TCP sequence numbers."},
	[TCP_OPTIONS] = {.name = "log-tcp-options", .kind = FW_OPT_FLAG, .help = "Log TCP options."},
	[IP_OPTIONS] = {.name = "log-ip-options", .kind = FW_OPT_FLAG, .help = "Log IP options."},
	[UID] = {.name = "log-uid", .kind = FW_OPT_FLAG,
		 .help = "Log UID owning the local socket."},
	[MACDECODE] = {.name = "log-macdecode", .kind = FW_OPT_FLAG,
		       .help = "Decode MAC addresses and protocol."},
	{NULL},
};

static void init(const struct fw_parse_ctx *ctx, struct fw_use *use)
{
	struct log *log = use->data;

	log->level = LEVEL_DEFAULT;
}

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	static const uint8_t bits[] = {
		[TCP_SEQUENCE] = LOG_TCP_SEQUENCE, [TCP_OPTIONS] = LOG_TCP_OPTIONS,
		[IP_OPTIONS] = LOG_IP_OPTIONS,	   [UID] = LOG_UID,
		[MACDECODE] = LOG_MACDECODE,
	};
	struct log *log = use->data;

	for (unsigned int row = TCP_SEQUENCE; row <= MACDECODE; row++)
		if (fw_use_has(use, row))
			log->flags |= bits[row];
	if (log->level == LEVEL_DEFAULT)
		use->set &= ~(1ull << LEVEL);
	return 0;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct log *log = use->data;
	const struct fw_opt_name *n = levels;

	if (numeric) {
		fw_buf_fmt(out, " LOG flags %u level %u", log->flags, log->level);
	} else {
		while (n->value != log->level)
			n++;
		fw_buf_fmt(out, " LOG level %s", n->name);
		for (unsigned int row = TCP_SEQUENCE; row <= MACDECODE; row++)
			if (fw_use_has(use, row))
				fw_buf_fmt(out, " %s", opts[row].name + strlen("log-"));
	}
	if (log->prefix[0])
		fw_buf_fmt(out, " prefix \"%s\"", log->prefix);
}

static enum fw_verdict run(const struct fw_use *use, struct fw_eval *e)
{
	const struct log *log = use->data;
	struct fw_world *world = e->world;
	struct logline line;

	if (!world || !world->ops || !world->ops->log)
		return FW_CONTINUE;
	logline_make(&line, e, log->flags, log->prefix);
	world->ops->log(world->priv, log->level, line.text, line.len);
	return FW_CONTINUE;
}

const struct fw_ext fw_target_log = {
	.name = "LOG", .target = true, .summary = "write a line to the log, and go on",
	.size = sizeof(struct log), .opts = opts, .init = init, .check = check, .list = list, .run = run,
};
