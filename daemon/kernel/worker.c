/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker: read what waits in the queue, judge it, answer; two system calls for up to 64 packets.
 *
 *	recvmmsg  ►  parse (no lock)  ►  core->lock: judge each  ►  one send with all answers
 *
 * Order.  Answers go out in the order in which packets came, which is also the cheapest for the
 * kernel.  A packet of which we need every byte takes a detour: "queue it to full_number" is its
 * answer, and it comes back whole.  While any packet is on that way, all others whose checksum is
 * unverified take it too, so that they do not overtake it.
 *
 * Changed packets.  Rules change a packet where it lies, in its slot, and its verdict carries it
 * back; what the kernel takes back counts as checksummed, so all of its checksum must be there.  A
 * super-packet of TCP may come and go as it is.  Others the kernel would cut up wrongly: those
 * take the way through parts_number, where it cuts them before we look.  How many parts come back
 * is not told, so an acknowledgement asked for behind them tells when all are there; until then
 * what might overtake them goes the same way.
 *
 * Weather.  EINTR, ENOBUFS and errors about packets that are gone (their device went down) are
 * counted and otherwise ignored; the loop ends only when told.
 */
#include <assert.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fw/nat.h"
#include "handover.h"
#include "kernel.h"

/* A whole packet with its attributes.  Not a power of two: then all buffers' first lines would
 * compete for the same few places of the cache. */
#define SLOT_SIZE (65536 + 2048 + 576)

#define TCP_SYN 0x02

#define DETOUR_LOST_NS FW_NSEC_PER_SEC /* nothing came back for so long: they were dropped */
#define GC_ROUNDS      16 /* batches between two looks for expired flows … */
#define GC_BUDGET      64 /* … and how many are looked at */
#define GC_IDLE_BUDGET 4096

struct fwd_batch {
	struct mmsghdr hdrs[FWD_BATCH];
	struct iovec iov[FWD_BATCH];
	struct fwd_msg msgs[FWD_BATCH];
	struct fwd_answer answers[FWD_BATCH];
	struct fw_decision decisions[FWD_BATCH];
	struct fw_frame stack[FW_MAX_DEPTH];
	uint8_t out[FWD_BATCH * FWD_VERDICT_SIZE];
	struct iovec out_iov[FWD_BATCH * FWD_VERDICT_IOVS];
	bool barrier; /* packets were sent to parts_number */
	uint8_t *slots;
	size_t n; /* packets */
	struct {
		uint8_t i; /* which packet */
		bool to_many;
	} rejects[FWD_BATCH];
	size_t n_rejects;
	uint64_t now;
};

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * FW_NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t fwd_now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t fwd_wall(void)
{
	return clock_ns(CLOCK_REALTIME);
}

static void count(_Atomic(uint64_t) *counter)
{
	/* one writer: no need for a locked instruction */
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

/* ---- judging, under core->lock ------------------------------------------------------------- */

/*
 * Does anyone need bytes that we do not hold?  Only where nobody verified the checksum: the
 * tracker and REJECT have to.  (Of what leaves, the message does not say; REJECT checks that too.)
 */
static bool wants_whole(const struct fwd_worker *w, const struct fwd_msg *m,
			const struct fw_plan *plan)
{
	const struct fw_pkt_meta *meta = &m->pkt.meta;
	const enum fw_family f = m->pkt.family;
	const unsigned int flags = plan->flags[f];

	if (m->queue != w->number || !(m->truncated || w->detours))
		return false;
	if (m->truncated && (flags & FW_NEED_PAYLOAD))
		return true;
	if (meta->flags & FW_PKT_CSUM_UNCHECKED)
		return plan->track_here[f][meta->hook] || (flags & (FW_NEED_CSUM | FW_NEED_QUOTE));
	return meta->hook == FW_OUTPUT && !(meta->flags & FW_PKT_CSUM_PARTIAL) &&
		(flags & FW_NEED_QUOTE);
}

/* May rules of this hook change this packet? */
static bool may_change(const struct fwd_msg *m, const struct fw_plan *plan)
{
	const unsigned int write = plan->write[m->pkt.family][m->pkt.meta.hook];

	return (write & FW_NEED_WRITE) ||
		((write & FW_NEED_SYN) && m->pkt.proto == IPPROTO_TCP && (m->pkt.tcp_flags & TCP_SYN));
}

/* May the packet come back changed as it is, and can we complete its checksum? */
static bool is_plain(const struct fw_packet *pkt)
{
	const bool tcp = pkt->has_proto && pkt->proto == IPPROTO_TCP;

	if (pkt->meta.flags & FW_PKT_GSO)
		return tcp;
	if (!(pkt->meta.flags & FW_PKT_CSUM_PARTIAL))
		return true;
	/* behind extension headers the checksum may be about another destination */
	return (tcp || (pkt->has_proto && pkt->proto == IPPROTO_UDP)) && !pkt->fragment &&
		pkt->l4_ok && (pkt->family == FW_IP4 || pkt->l4_off == 40);
}

/* Where the packet has to go before it can be judged; 0: nowhere. */
static uint16_t needs_way(const struct fwd_worker *w, const struct fwd_msg *m,
			  const struct fw_plan *plan)
{
	if (m->queue != w->parts_number && may_change(m, plan)) {
		const bool tcp = m->pkt.has_proto && m->pkt.proto == IPPROTO_TCP;

		if (!is_plain(&m->pkt) || (w->barriers && !tcp))
			return w->parts_number;
		if (m->queue == w->full_number && m->truncated)
			return w->parts_number; /* beyond what one message holds */
		if (m->queue == w->number && (m->truncated || w->detours))
			return w->full_number;
	}
	return wants_whole(w, m, plan) ? w->full_number : 0;
}

static void name_links(struct fwd_rtnl *rtnl, struct fw_pkt_meta *meta)
{
	if (meta->in_ifindex) {
		uint16_t type = fwd_rtnl_link(rtnl, meta->in_ifindex, meta->in_name);

		meta->has_mac = meta->has_mac && type == ARPHRD_ETHER;
	}
	if (meta->out_ifindex)
		fwd_rtnl_link(rtnl, meta->out_ifindex, meta->out_name);
}

/* Unless the kernel tracks, the bits of its notes are somebody else's. */
static void forget_notes(const struct fw_plan *plan, struct fw_pkt_meta *meta)
{
	if (plan->kct)
		return;
	meta->part = FW_PART_ALL;
	meta->nat_pending = false;
	meta->nat_status = 0;
}

/*
 * Who listens behind a SYN-ACK.  Any number of the interval will do: no rule tells it from the
 * true one.
 */
static void name_listener(const struct fw_plan *plan, struct fwd_msg *m)
{
	const struct fw_owners *o = &plan->owners;
	struct fw_pkt_meta *meta = &m->pkt.meta;
	const uint8_t synack = 0x12;
	uint32_t code, uid, gid, last;

	if (!meta->has_socket || meta->has_uid || m->pkt.proto != IPPROTO_TCP ||
	    (m->pkt.tcp_flags & synack) != synack)
		return;
	code = fw_mark_owner_code(m->ours, plan->kct);
	if (!code || code > fw_owners_codes(o))
		return;
	fw_owners_decode(o, code, &uid, &gid);
	fw_cuts_interval(&o->uids, uid, &meta->listener_uid, &last);
	fw_cuts_interval(&o->gids, gid, &meta->listener_gid, &last);
	meta->has_listener = true;
}

static void set_mark(struct fwd_answer *a, const struct fwd_msg *m, const struct fw_decision *d,
		     unsigned int shift, uint32_t code)
{
	const uint32_t own = m->mark >> shift & FW_MARK_OWN;
	uint32_t ours = (uint32_t)d->ctinfo << FW_MARK_CTINFO_SHIFT | own | code;

	if (own && !code && d->ctinfo == FW_CT_NONE) /* nobody else knows what our reply is */
		ours |= m->mark >> shift & FW_MARK_CTINFO_MASK;

	a->mark = (d->mark & ~fw_mark_mask(shift)) | (ours << shift);
	a->set_mark = a->mark != m->mark;
}

/* "Queue it there"; NF_QUEUE_NR() of the kernel's header shifts into the sign. */
static uint32_t to_queue(uint16_t number)
{
	return (uint32_t)number << NF_VERDICT_QBITS | NF_QUEUE;
}

static uint32_t nat_code(const struct fwd_worker *w, const struct fwd_msg *m,
			 const struct fw_decision *d)
{
	struct fw_nat nat;

	if (!d->nat)
		return 0;
	nat = fw_nat_at(d->nat, (enum fw_hook)m->pkt.meta.hook);
	return fwd_nat_code(&w->k->nft, &nat);
}

/* The packet as rules have left it. */
static void carry_changes(struct fwd_answer *a, const struct fwd_msg *m,
			  const struct fw_decision *d)
{
	struct fw_packet pkt = m->pkt;

	a->set_priority = d->set_priority;
	a->priority = d->priority;
	if (!d->new_len)
		return;
	a->payload = m->pkt.writable;
	a->payload_len = d->new_len;
	if (!(m->pkt.meta.flags & FW_PKT_CSUM_PARTIAL))
		return;
	/* anew: a rule may have made it longer */
	if (fw_packet_parse(&pkt, m->pkt.family, m->pkt.data, d->new_len, d->new_len,
			    &m->pkt.meta) == 0) {
		pkt.writable = m->pkt.writable;
		fw_packet_fill_csum(&pkt);
	}
}

/*
 * The kernel routes a packet of its own anew when its mark changed on the way through us.  It
 * would do so for mangle's marks; for other tables' it must not, and does not find a change when
 * the mark is there already as the packet comes to us once more.
 */
static bool must_not_reroute(const struct fwd_answer *a, const struct fwd_msg *m,
			     const struct fw_decision *d)
{
	return m->pkt.meta.hook == FW_OUTPUT && a->set_mark && !a->payload_len &&
		d->mark != m->pkt.meta.mark && !d->reroute;
}

static void answer(struct fwd_worker *w, struct fwd_answer *a, const struct fwd_msg *m,
		   const struct fw_decision *d)
{
	uint32_t code;

	switch (d->verdict) {
	case FW_DROP:
		a->verdict = NF_DROP;
		count(&w->dropped);
		break;
	case FW_QUEUE:
		a->verdict =
			to_queue(d->queue) | (d->queue_bypass ? NF_VERDICT_FLAG_QUEUE_BYPASS : 0);
		set_mark(a, m, d, w->k->core->config->mark_shift, 0);
		carry_changes(a, m, d);
		count(&w->queued_on);
		break;
	default:
		code = nat_code(w, m, d);
		if (d->nat && !code)
			break; /* cannot be: it was prepared; never let it pass as it is */
		a->verdict = NF_ACCEPT;
		set_mark(a, m, d, w->k->core->config->mark_shift, code);
		carry_changes(a, m, d);
		if (must_not_reroute(a, m, d))
			a->verdict = to_queue(w->pass_number);
		count(&w->accepted);
		break;
	}
}

static void detour(struct fwd_worker *w, struct fwd_answer *a, uint16_t to, uint64_t now)
{
	a->verdict = to_queue(to);
	if (to == w->full_number) {
		w->detours++;
		w->detour_ns = now;
	} else {
		w->batch->barrier = true;
	}
}

/* The reply is made later; whether it goes to many is asked now, with the lock. */
static void note_reject(struct fwd_worker *w, size_t i)
{
	const unsigned int many = 1u << FW_ADDR_BROADCAST | 1u << FW_ADDR_MULTICAST;
	struct fwd_batch *b = w->batch;
	const struct fw_packet *pkt = &b->msgs[i].pkt;

	b->rejects[b->n_rejects].i = (uint8_t)i;
	b->rejects[b->n_rejects].to_many = pkt->family == FW_IP4 &&
		(fwd_addrtype_mask(w->k->addrtype, FW_IP4, &pkt->dst, 0) & many);
	b->n_rejects++;
}

static void judge(struct fwd_worker *w, size_t i, uint64_t now, uint64_t wall)
{
	struct fwd_core *core = w->k->core;
	struct fwd_batch *b = w->batch;
	struct fwd_msg *m = &b->msgs[i];
	struct fwd_answer *a = &b->answers[i];
	uint16_t way;

	*a = (struct fwd_answer){.id = m->id, .queue = m->queue, .verdict = NF_DROP};
	if (m->queue == w->pass_number) {
		a->verdict = NF_ACCEPT; /* judged before */
		return;
	}
	if (!m->valid) {
		count(&w->malformed);
		fwd_drops_note(w->k->drops, NULL, NULL, now);
		return;
	}
	way = needs_way(w, m, &core->plan);
	if (way) {
		detour(w, a, way, now);
		return;
	}
	if (!m->truncated)
		m->pkt.writable = b->slots + (m->pkt.data - b->slots);
	if (m->queue == w->full_number) {
		w->detours -= w->detours > 0;
		w->detour_ns = now;
	}
	name_links(w->k->rtnl, &m->pkt.meta);
	forget_notes(&core->plan, &m->pkt.meta);
	name_listener(&core->plan, m);
	fw_engine_run(core->ruleset, &core->plan, &core->world, &m->pkt, now, wall, b->stack,
		      &b->decisions[i]);
	answer(w, a, m, &b->decisions[i]);
	count(&w->packets);
	if (b->decisions[i].verdict == FW_DROP)
		fwd_drops_note(w->k->drops, &m->pkt, &b->decisions[i], now);
	if (b->decisions[i].reject != FW_REJECT_NONE)
		note_reject(w, i);
}

/* All flows are asked for before the first packet is judged: memory answers them side by side. */
static void prefetch(const struct fwd_worker *w)
{
	const struct fwd_batch *b = w->batch;
	const struct fw_packet *pkts[FWD_BATCH];
	size_t n = 0;

	static_assert(FWD_BATCH <= FW_CT_PREFETCH, "one call for a batch");
	for (size_t i = 0; i < b->n; i++)
		if (b->msgs[i].valid)
			pkts[n++] = &b->msgs[i].pkt;
	if (n > 1)
		fw_ct_prefetch(w->k->core->world.ct, pkts, n);
}

static void judge_all(struct fwd_worker *w)
{
	struct fwd_core *core = w->k->core;
	struct fwd_batch *b = w->batch;
	const uint64_t now = fwd_now(), wall = fwd_wall();

	b->now = now;
	b->n_rejects = 0;
	b->barrier = false;
	if (w->barriers && now - w->barrier_ns > DETOUR_LOST_NS)
		w->barriers = 0;
	if (w->detours && now - w->detour_ns > DETOUR_LOST_NS)
		w->detours = 0;

	pthread_mutex_lock(&core->lock);
	fwd_rtnl_freshen(w->k->rtnl, now);
	fwd_addrtype_batch(w->k->addrtype);
	prefetch(w);
	for (size_t i = 0; i < b->n; i++)
		judge(w, i, now, wall);
	if (++w->rounds % GC_ROUNDS == 0)
		fw_ct_gc(core->world.ct, now, GC_BUDGET);
	pthread_mutex_unlock(&core->lock);
}

/* ---- reading and answering ----------------------------------------------------------------- */

static void send_answers(struct fwd_worker *w)
{
	struct fwd_batch *b = w->batch;
	struct msghdr msg = {.msg_iov = b->out_iov};

	for (size_t i = 0, done = 0; i < b->n; i += done) {
		ssize_t n;

		msg.msg_iovlen = fwd_verdict_fill(b->out, b->out_iov, b->answers + i, b->n - i, &done);
		do {
			n = sendmsg(w->fd, &msg, 0);
		} while (n < 0 && errno == EINTR);
		if (n < 0)
			fwd_log(3, "queue %u: cannot answer: %s", w->number, strerror(errno));
	}
	if (b->barrier && fwd_queue_set_range(w->fd, w->parts_number, FWD_COPY_ALL, true) == 0) {
		w->barriers++;
		w->barrier_ns = b->now;
	}
}

static void send_rejects(struct fwd_worker *w)
{
	const unsigned int shift = w->k->core->config->mark_shift;
	struct fwd_batch *b = w->batch;

	for (size_t j = 0; j < b->n_rejects; j++) {
		const size_t i = b->rejects[j].i;

		if (b->decisions[i].untranslate)
			fwd_untranslate(&b->msgs[i].pkt, &b->decisions[i]);
		if (!fwd_rejects_send(w->rejects, &b->msgs[i].pkt, &b->decisions[i],
				      b->rejects[j].to_many, shift, b->now))
			count(&w->unanswered);
	}
}

/* Send round again what the last life had read and not answered (handover.c). */
static void repeat_up_to(struct fwd_worker *w, unsigned int which, uint32_t id)
{
	const uint16_t queue = fwd_queue_number(w->k->core->config, w->index, which);
	uint8_t buf[FWD_VERDICT_SIZE];

	if (send(w->fd, buf, fwd_verdict_batch(buf, queue, NF_REPEAT, id), 0) < 0)
		fwd_log(3, "queue %u: cannot repeat: %s", queue, strerror(errno));
}

static void recover(struct fwd_worker *w)
{
	for (unsigned int which = 0; which < FWD_QUEUES_EACH; which++) {
		uint64_t last = w->recover[which] && w->ids ? atomic_load(&w->ids[which]) : 0;

		if (last & FWD_ID_KNOWN)
			repeat_up_to(w, which, (uint32_t)last);
	}
}

/* Before this one there is nothing that waits for us to read it. */
static void note_id(struct fwd_worker *w, const struct fwd_msg *m)
{
	const struct fwd_config *config = w->k->core->config;
	const unsigned int which = (m->queue - config->queue_base) / config->queues;

	if (w->recover[which]) {
		w->recover[which] = false;
		repeat_up_to(w, which, m->id - 1);
	}
	if (w->ids)
		atomic_store_explicit(&w->ids[which], FWD_ID_KNOWN | m->id, memory_order_relaxed);
}

static void parse_all(struct fwd_worker *w, int n)
{
	const unsigned int shift = w->k->core->config->mark_shift;
	struct fwd_batch *b = w->batch;

	b->n = 0;
	for (int i = 0; i < n; i++) {
		int error;
		int r = fwd_msg_parse(b->iov[i].iov_base, b->hdrs[i].msg_len, shift, &b->msgs[b->n],
				      &error);

		if (r > 0)
			note_id(w, &b->msgs[b->n++]);
		else if (r < 0 || error)
			count(&w->overruns); /* mostly ENOENT: the packet went with its device */
		else if (w->barriers)
			w->barriers--;
	}
}

static void idle(struct fwd_worker *w)
{
	struct fwd_core *core = w->k->core;
	const uint64_t now = fwd_now();

	w->detours = w->barriers = 0;
	if (w->index != 0)
		return;
	pthread_mutex_lock(&core->lock);
	fwd_rtnl_freshen(w->k->rtnl, now);
	fw_ct_gc(core->world.ct, now, GC_IDLE_BUDGET);
	pthread_mutex_unlock(&core->lock);
}

/* Nothing came: a second passed, or something strange. */
static void no_packets(struct fwd_worker *w, int error)
{
	static const struct timespec pause = {.tv_nsec = 10000000};

	if (error == EAGAIN) {
		idle(w);
	} else if (error != EINTR) {
		count(&w->overruns);
		if (error != ENOBUFS) {
			fwd_log(3, "queue %u: cannot read: %s", w->number, strerror(error));
			nanosleep(&pause, NULL);
		}
	}
}

static int read_queue(struct fwd_worker *w, bool draining)
{
	static const struct timespec pause = {.tv_nsec = 2000000};
	int n = recvmmsg(w->fd, w->batch->hdrs, FWD_BATCH, draining ? MSG_DONTWAIT : MSG_WAITFORONE,
			 NULL);

	if (draining && n < 0 && errno == EAGAIN) {
		atomic_fetch_add(&w->empty, 1);
		nanosleep(&pause, NULL);
		errno = EINTR; /* nothing to tell */
	} else if (n > 0) {
		atomic_store_explicit(&w->empty, 0, memory_order_relaxed);
	}
	return n;
}

void *fwd_worker_main(void *worker)
{
	struct fwd_worker *w = worker;
	int phase;

	recover(w);
	while ((phase = atomic_load_explicit(&w->k->phase, memory_order_relaxed)) != FWD_STOPPED) {
		int n = read_queue(w, phase == FWD_DRAINING);

		atomic_store_explicit(&w->beat_ns, fwd_now(), memory_order_relaxed);
		if (n < 0) {
			no_packets(w, errno);
			continue;
		}
		parse_all(w, n);
		if (!w->batch->n)
			continue;
		judge_all(w);
		send_answers(w);
		send_rejects(w);
	}
	return NULL;
}

/* ---- life ---------------------------------------------------------------------------------- */

/* The last life's socket, or a new one. */
static int open_queue(struct fwd_worker *w, struct fw_err *err)
{
	const struct fwd_config *config = w->k->core->config;
	const uint32_t range = w->k->copy_range;
	char name[64];

	fwd_queue_fdname(config, w->index, name);
	w->ids = fwd_handover_ids(w->k->handover, w->index);
	w->fd = fwd_handover_take(w->k->handover, name);
	if (w->fd >= 0) {
		memset(w->recover, true, sizeof(w->recover));
		return fwd_queue_adopt(w->fd, config, w->index, range, &w->info, err);
	}
	w->fd = fwd_queue_open(config, w->index, range, &w->info, err);
	return w->fd < 0 ? w->fd : 0;
}

int fwd_worker_init(struct fwd_worker *w, struct fwd_kernel *k, unsigned int index,
		    struct fw_err *err)
{
	const struct fwd_config *config = k->core->config;
	struct fwd_batch *b = calloc(1, sizeof(*b));
	int r;

	w->k = k;
	w->index = index;
	w->fd = -1;
	w->number = fwd_queue_number(config, index, FWD_Q_HEADERS);
	w->full_number = fwd_queue_number(config, index, FWD_Q_FULL);
	w->parts_number = fwd_queue_number(config, index, FWD_Q_PARTS);
	w->pass_number = fwd_queue_number(config, index, FWD_Q_PASS);
	w->batch = b;
	if (!b)
		return fw_fail(err, FW_ERR_RESOURCE, "no memory for a worker"), -ENOMEM;
	b->slots = mmap(NULL, FWD_BATCH * SLOT_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b->slots == MAP_FAILED) {
		b->slots = NULL;
		return fw_fail(err, FW_ERR_RESOURCE, "no memory for a worker"), -ENOMEM;
	}
	for (size_t i = 0; i < FWD_BATCH; i++) {
		b->iov[i] = (struct iovec){b->slots + i * SLOT_SIZE, SLOT_SIZE};
		b->hdrs[i].msg_hdr.msg_iov = &b->iov[i];
		b->hdrs[i].msg_hdr.msg_iovlen = 1;
	}
	r = fwd_rejects_open(&w->rejects, err);
	if (r)
		return r;
	return open_queue(w, err);
}

void fwd_worker_deinit(struct fwd_worker *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	w->rejects = fwd_rejects_close(w->rejects);
	if (w->batch && w->batch->slots)
		munmap(w->batch->slots, FWD_BATCH * SLOT_SIZE);
	free(w->batch);
	w->batch = NULL;
}
