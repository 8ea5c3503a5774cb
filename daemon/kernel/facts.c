/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What there is to tell of the packet side: whether it works, how much, with what. */
#include <linux/netfilter/nfnetlink_queue.h>

#include "fw/buf.h"
#include "kernel.h"

static bool is_ours(const struct fwd_kernel *k, unsigned int number)
{
	const struct fwd_config *c = k->core->config;

	return number >= c->queue_base && number < c->queue_base + FWD_QUEUES_EACH * c->queues;
}

uint32_t fwd_kernel_waiting(const struct fwd_kernel *k)
{
	struct fwd_queue_proc rows[256];
	const int n = fwd_queue_proc(rows, FW_ARRAY_SIZE(rows));
	uint32_t waiting = 0;

	for (int i = 0; i < n; i++)
		if (is_ours(k, rows[i].number))
			waiting += rows[i].waiting;
	return waiting;
}

bool fwd_kernel_alive(struct fwd_kernel *k, unsigned int within_s)
{
	const uint64_t now = fwd_now();

	for (unsigned int i = 0; i < k->n_workers; i++) {
		uint64_t beat = atomic_load_explicit(&k->workers[i].beat_ns, memory_order_relaxed);

		if (now > beat && now - beat > within_s * FW_NSEC_PER_SEC)
			return false;
	}
	return true;
}

size_t fwd_kernel_stats(struct fwd_kernel *k, struct fwd_queue_stats *ret, size_t max)
{
	struct fwd_queue_proc rows[256];
	int n = fwd_queue_proc(rows, FW_ARRAY_SIZE(rows));
	size_t i;

	for (i = 0; i < k->n_workers && i < max; i++) {
		struct fwd_worker *w = &k->workers[i];

		ret[i] = (struct fwd_queue_stats){
			.number = w->number,
			.packets = atomic_load(&w->packets),
			.accepted = atomic_load(&w->accepted),
			.dropped = atomic_load(&w->dropped),
			.queued_on = atomic_load(&w->queued_on),
			.malformed = atomic_load(&w->malformed),
			.overruns = atomic_load(&w->overruns),
		};
		for (int j = 0; j < n; j++) {
			if (!is_ours(k, rows[j].number) ||
			    (rows[j].number - w->number) % k->n_workers)
				continue;
			ret[i].kernel_dropped += rows[j].dropped;
			ret[i].user_dropped += rows[j].user_dropped;
			ret[i].waiting += rows[j].waiting;
		}
	}
	return i;
}

void fwd_kernel_facts(struct fwd_kernel *k, struct fw_buf *out)
{
	static const char *const defrag[] = {
		[FWD_DEFRAG_NONE] = "no (nothing needs it)",
		[FWD_DEFRAG_TPROXY] = "yes (nft tproxy)",
		[FWD_DEFRAG_CT] = "yes (kernel conntrack: no tproxy in this kernel)",
	};
	const struct fwd_worker *w = &k->workers[0];

	fw_buf_fmt(out, "table inet fwdd\n");
	fw_buf_fmt(out, "table-owner %s\n", k->nft.owner ? "yes" : "no");
	fw_buf_fmt(out, "table-persist %s\n", k->nft.persist ? "yes" : "no");
	fw_buf_fmt(out, "queue-rule %s\n",
		   k->nft.queue_kind == FWD_QUEUE_NATIVE ? "native" : "compat");
	fw_buf_fmt(out, "queue-numbers %u-%u\n", w->number,
		   w->number + FWD_QUEUES_EACH * k->n_workers - 1);
	fw_buf_fmt(out, "queue-gso %s\n", w->info.flags & NFQA_CFG_F_GSO ? "yes" : "no");
	fw_buf_fmt(out, "queue-uid %s\n", w->info.flags & NFQA_CFG_F_UID_GID ? "yes" : "no");
	fw_buf_fmt(out, "queue-fail-open %s\n",
		   w->info.flags & NFQA_CFG_F_FAIL_OPEN ? "yes" : "no");
	fw_buf_fmt(out, "queue-buffer-bytes %d\n", w->info.rcvbuf);
	fw_buf_fmt(out, "offload %s\n", k->offload ? "on" : "off");
	fw_buf_fmt(out, "queue-copy-bytes %u\n", k->copy_range);
	fw_buf_fmt(out, "defragment-4 %s\n", defrag[k->nft.defrag[FW_IP4]]);
	fw_buf_fmt(out, "defragment-6 %s\n", defrag[k->nft.defrag[FW_IP6]]);
}
