/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -j NFQUEUE: on to another program's queue.
 *
 * --queue-balance spreads packets by a hash of both addresses and the protocol that does not ask
 * which of them is the source, as the kernel's does: both directions meet at one queue.
 * --queue-cpu-fanout is taken and means the same here: on which CPU a packet came is not known
 * behind a queue, and by hash a flow at least stays together.
 */
#include "fw/tx.h"
#include "opt/opt.h"

struct nfqueue {
	uint16_t first, last;
};

enum { NUM, BALANCE, BYPASS, CPU_FANOUT };

static int take_balance(const struct fw_parse_ctx *ctx, const struct fw_opt *opt,
			struct fw_use *use, bool inverted, const char *const *words,
			struct fw_err *err)
{
	struct nfqueue *q = use->data;
	uint64_t range[2] = {0, 1};
	int r;

	if (!fw_parse_range(words[0], ':', 0, UINT16_MAX - 1, range) && range[0] < range[1]) {
		q->first = (uint16_t)range[0];
		q->last = (uint16_t)range[1];
		return 0;
	}
	r = fw_opt_refuse(err, use, opt, words[0], "is not FIRST:LAST in 0..65534");
	if (range[0] == range[1])
		fw_err_words(err, "%u should be less than %u", (unsigned int)range[0],
			     (unsigned int)range[1]);
	else
		fw_err_words(err, "Bad range \"%s\"", words[0]);
	return r;
}

static void print_balance(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
			  struct fw_buf *out)
{
	const struct nfqueue *q = use->data;

	fw_print_range(q->first, q->last, ':', out);
}

static const struct fw_opt opts[] = {
	[NUM] = {.name = "queue-num", .kind = FW_OPT_U16, .offset = offsetof(struct nfqueue, first),
		 .excludes = 1 << BALANCE, .arg = "value",
		 .help = "Send packet to QUEUE number <value>"},
	[BALANCE] = {.name = "queue-balance", .kind = FW_OPT_CUSTOM, .parse = take_balance,
		     .print = print_balance, .arg = "first:last",
		     .help = "Balance flows between queues <value> to <value>"},
	[BYPASS] = {.name = "queue-bypass", .kind = FW_OPT_FLAG,
		    .help = "Bypass Queueing if no queue instance exists"},
	[CPU_FANOUT] = {.name = "queue-cpu-fanout", .kind = FW_OPT_FLAG, .also = 1 << BALANCE,
			.help = "here the same as --queue-balance alone"},
	{NULL},
};

static int check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	struct nfqueue *q = use->data;

	if (fw_use_has(use, BALANCE))
		return 0;
	q->last = q->first;
	use->set |= 1u << NUM;
	return 0;
}

static void list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct nfqueue *q = use->data;

	fw_buf_str(out, q->last > q->first ? " NFQUEUE balance " : " NFQUEUE num ");
	fw_print_range(q->first, q->last, ':', out);
	if (fw_use_has(use, BYPASS))
		fw_buf_str(out, " bypass");
	if (fw_use_has(use, CPU_FANOUT))
		fw_buf_str(out, " cpu-fanout");
}

static int deploy(const struct fw_use *use, const struct fw_tx_env *env, struct fw_err *err)
{
	const struct nfqueue *q = use->data;
	uint32_t end = env->own_queue_first + env->own_queue_n;
	int r;

	if (!env->own_queue_n || q->last < env->own_queue_first || q->first >= end)
		return 0;
	r = fw_fail(err, FW_ERR_UNSUPPORTED,
		    "NFQUEUE: queues %u to %u are this daemon's own: packets would go in a circle",
		    env->own_queue_first, end - 1);
	fw_err_hint(err, "use another number, or move the daemon's queues away with queue-base");
	return r;
}

/* The same for both directions of a flow. */
static uint32_t pair_hash(const struct fw_packet *pkt)
{
	uint64_t h = pkt->proto;

	for (unsigned int i = 0; i < 2; i++) {
		h += (pkt->src.u64[i] ^ pkt->dst.u64[i]) * 0x9e3779b97f4a7c15ull;
		h ^= (pkt->src.u64[i] + pkt->dst.u64[i]) * 0xbf58476d1ce4e5b9ull;
		h = (h ^ h >> 29) * 0x94d049bb133111ebull;
	}
	return (uint32_t)((h ^ h >> 31) >> 32);
}

static enum fw_verdict run(const struct fw_use *use, struct fw_eval *e)
{
	const struct nfqueue *q = use->data;
	uint64_t n = (uint64_t)q->last - q->first + 1;

	e->queue = q->first;
	if (n > 1)
		e->queue = (uint16_t)(q->first + (pair_hash(e->pkt) * n >> 32));
	e->queue_bypass = fw_use_has(use, BYPASS);
	return FW_QUEUE;
}

const struct fw_ext fw_target_nfqueue = {
	.name = "NFQUEUE", .target = true, .summary = "on to a program at a queue",
	.size = sizeof(struct nfqueue), .opts = opts, .check = check, .list = list, .deploy = deploy,
	.run = run,
};
