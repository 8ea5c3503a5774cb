/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tracker must keep its books straight whatever comes: the input is a little program of
 * packets (few hosts and ports, so that they meet), hooks, verdicts, steps in time, and upkeep.
 * After each step every record must be where the index says, and be counted once.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "track/track.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

/* Which of a flow's entries this is, as a bit; its hash must be right. */
static uint8_t check_entry(const struct fw_flow *flow, const struct ct_slot *slot)
{
	require(flow->flags & CT_F_USED);
	if (!(slot->ref & CT_REF_FLAGS)) {
		require(flow->hash == slot->hash);
		return 1;
	}
	require((flow->status & CT_NAT) && flow->ext);
	switch (slot->ref & CT_REF_FLAGS) {
	case CT_REF_REPLY:
		require(flow->ext->has_reply && flow->ext->reply_hash == slot->hash);
		return 2;
	case CT_REF_MID:
		require(flow->ext->has_mid && flow->ext->mid_hash == slot->hash);
		return 4;
	default:
		require(flow->ext->has_later && flow->ext->later_hash == slot->hash);
		return 8;
	}
}

/* Each entry leads to a record of its hash, to each record one of a kind, and no gap is before it. */
static uint64_t check_index(const struct ct_table *t, const struct ct_seg *seg, uint8_t *seen)
{
	uint64_t used = 0;

	for (uint32_t i = 0; i < CT_SEG_SLOTS; i++) {
		const uint32_t ref = seg->slots[i].ref & ~CT_REF_FLAGS;
		uint8_t kind;

		if (!ref)
			continue;
		require(ref <= t->n_records);
		kind = check_entry(ct_table_at(t, ref - 1), &seg->slots[i]);
		require(!(seen[ref - 1] & kind));
		seen[ref - 1] |= kind;
		for (uint32_t k = seg->slots[i].hash; (k & (CT_SEG_SLOTS - 1)) != i; k++)
			require(seg->slots[k & (CT_SEG_SLOTS - 1)].ref);
		used++;
	}
	require(used == seg->used);
	return used;
}

static void check(const struct fw_ct *ct)
{
	const struct ct_table *t = &ct->table;
	uint32_t records = t->n_records;
	uint64_t living = 0, used = 0, free_records = 0, entries = 0, extra = 0;
	uint8_t *seen = calloc(1, records + 1);

	require(seen);
	for (uint32_t i = 0; i < records; i++) {
		const struct fw_flow *flow = ct_table_at(t, i);

		if (!(flow->flags & CT_F_USED))
			continue;
		used++;
		if (flow->status & CT_NAT)
			extra += flow->ext->has_reply + flow->ext->has_mid + flow->ext->has_later;
		living += !(flow->flags & CT_F_DYING);
		require(flow->flags & CT_F_INDEX);
		require(flow->hash == ct_tuple_hash(ct->config.seed, &flow->orig));
	}
	for (uint32_t f = t->free; f; f = ct_table_at(t, f - 1)->u.next_free)
		free_records++;
	require(used + free_records == records);
	require(living == ct->stats.flows);
	for (size_t i = 0; i < (size_t)1 << t->index.depth; i++)
		if (i == 0 || t->index.dir[i] != t->index.dir[i - 1])
			entries += check_index(t, t->index.dir[i], seen);
	require(entries == used + extra);
	free(seen);
}

struct input {
	const uint8_t *p, *end;
};

static uint8_t take(struct input *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

/* A packet between a few hosts; upper layer: from the input. */
static uint32_t make_packet(struct input *in, uint8_t *out)
{
	static const uint8_t protos[] = {6, 6, 17, 1, 58, 132, 47, 136, 50, 33, 60, 44};
	uint8_t shape = take(in), proto = protos[take(in) % sizeof(protos)];
	uint32_t n = take(in) % 64, head = shape & 1 ? 40 : 20;

	memset(out, 0, 200);
	if (shape & 1) {
		out[0] = 0x60;
		out[5] = (uint8_t)n;
		out[6] = proto;
		out[7] = 255;
		out[8] = out[24] = 0xfe;
		out[9] = out[25] = 0x80;
		out[23] = shape >> 1 & 3;
		out[39] = shape >> 3 & 3;
	} else {
		out[0] = 0x45;
		out[3] = (uint8_t)(20 + n);
		out[6] = shape & 0x20;
		out[9] = proto;
		out[12] = out[16] = 10;
		out[15] = shape >> 1 & 3;
		out[19] = shape >> 3 & 3;
	}
	for (uint32_t i = 0; i < n; i++)
		out[head + i] = take(in);
	if (n >= 4 && proto != 1 && proto != 58) { /* few ports */
		out[head] = out[head + 2] = 0;
		out[head + 1] &= 3;
		out[head + 3] &= 3;
	}
	return head + n;
}

static void packet(struct fw_ct *ct, struct input *in, uint8_t what, uint64_t now)
{
	struct fw_pkt_meta meta = {.hook = take(in) % FW_N_HOOKS, .has_uid = what & 0x80};
	struct fw_eval e = {.now = now};
	struct fw_tuple room;
	struct fw_packet pkt;
	uint8_t raw[200], *copy;
	uint32_t len = make_packet(in, raw);
	int r;

	if (what & 0x40)
		meta.ctinfo = take(in) % FW_N_CTINFO;
	copy = malloc(len); /* of exact size, for the address sanitizer */
	require(copy);
	memcpy(copy, raw, len);
	if (fw_packet_parse(&pkt, copy[0] >> 4 == 6 ? FW_IP6 : FW_IP4, copy, len, len, &meta) == 0) {
		e.pkt = &pkt;
		r = what & 0x20 ? fw_ct_resume(ct, &e) : fw_ct_track(ct, &e);
		require(r == 0 || (r == -1 && !e.flow && ct->stats.drop));
		require(e.ctinfo > FW_CT_NONE && e.ctinfo < FW_N_CTINFO);
		if (e.ctinfo == FW_CT_INVALID || e.ctinfo == FW_CT_UNTRACKED)
			require(!e.flow);
		if (e.flow) {
			fw_flow_tuple(e.flow, FW_DIR_REPLY, &room);
			fw_flow_set_mark(e.flow, fw_flow_mark(e.flow) + fw_flow_expires_s(e.flow, now));
		}
		if (what & 0x10)
			fw_ct_dropped(ct, &e);
		else if (what & 0x08)
			fw_ct_confirm(ct, &e);
	}
	free(copy);
}

static size_t count_lines(const struct fw_buf *b)
{
	size_t n = 0;

	for (const char *c = fw_buf_cstr(b); *c; c++)
		n += *c == '\n';
	return n;
}

static size_t count_translated(const struct fw_ct *ct)
{
	size_t n = 0;

	for (uint32_t i = 0; i < ct->table.n_records; i++) {
		const struct fw_flow *flow = ct_table_at(&ct->table, i);

		n += (flow->flags & CT_F_USED) && (flow->status & CT_NAT);
	}
	return n;
}

/* What is dumped loads whole, unless the kernel told of two flows whose answers have the same ends. */
static void round_trip(struct fw_ct *ct, uint64_t now)
{
	struct fw_buf first = FW_BUF_INIT, second = FW_BUF_INIT;
	struct fw_ct_config config = ct->config;
	struct fw_ct *other;
	uint64_t cursor = 0;

	config.max_flows = 0;
	config.acct = false;
	other = fw_ct_new(&config);
	require(other);
	fw_ct_dump(ct, &cursor, SIZE_MAX, now, &first);
	require(cursor == 0);
	require(fw_ct_load(other, first.data ? first.data : "", first.len, (int64_t)now, NULL) == 0);
	check(other);
	fw_ct_dump(other, &cursor, SIZE_MAX, now, &second);
	require(count_lines(&first) == count_lines(&second) || count_translated(ct));
	fw_buf_deinit(&first);
	fw_buf_deinit(&second);
	fw_ct_free(other);
}

/* The kernel tells of a flow, translated or not; any of it may be nonsense. */
static void adopt(struct fw_ct *ct, struct input *in, uint64_t now)
{
	static const uint8_t protos[] = {6, 17, 132, 1};
	struct fw_ct_facts f = {.left_s = take(in), .status = take(in), .state = take(in) % 16};

	f.orig.proto = protos[take(in) % 4];
	f.orig.src.u8[0] = f.orig.dst.u8[0] = 10;
	f.orig.src.u8[3] = take(in) % 4;
	f.orig.dst.u8[3] = take(in) % 4;
	f.orig.dport_be = f.orig.proto == 1 ? 8 : 0; /* echo, in network order */
	f.reply = f.orig;
	f.reply.src.u8[3] = take(in) % 4;
	f.reply.dst.u8[3] = take(in) % 4;
	f.reply.sport_be = take(in) % 4;
	if (f.orig.proto == 1)
		f.reply.dport_be = 0;
	(void)fw_ct_adopt(ct, &f, f.status & 0x80, now);
}

static void upkeep(struct fw_ct *ct, struct input *in, uint64_t now)
{
	struct fw_buf out = FW_BUF_INIT;
	uint64_t cursor = take(in);
	uint8_t what = take(in);

	switch (what % 6) {
	case 4: adopt(ct, in, now); break;
	case 3: round_trip(ct, now); break;
	case 0: fw_ct_gc(ct, now, take(in)); break;
	case 1: fw_ct_list(ct, &cursor, take(in), NULL, now, what >> 6 & 1 ? FW_CT_JSON : FW_CT_TEXT, &out); break;
	case 2: fw_ct_delete(ct, &cursor, take(in), NULL, now, NULL, NULL); break;
	default: {
		struct fw_ct_config config = ct->config;

		config.max_flows = 1 + take(in);
		config.tcp_loose = what & 0x10;
		config.tcp_be_liberal = what & 0x20;
		config.acct = what & 0x40;
		fw_ct_set_config(ct, &config);
	}
	}
	fw_buf_deinit(&out);
}

/* Any text at all may be loaded. */
static void load_text(const uint8_t *data, size_t size)
{
	struct fw_ct_config config = FW_CT_CONFIG_INIT;
	struct fw_ct *ct = fw_ct_new(&config);

	require(ct);
	(void)fw_ct_load(ct, (const char *)data, size, FW_NSEC_PER_SEC, NULL);
	check(ct);
	fw_ct_free(ct);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t steps[] = {0, 1000000, 500000000, 3000000000, 40000000000, 500000000000};
	struct fw_ct_config config = FW_CT_CONFIG_INIT;
	struct input in = {data, data + size};
	uint64_t now = FW_NSEC_PER_SEC;
	struct fw_ct *ct;

	if (size && data[0] == '4') {
		load_text(data, size);
		return 0;
	}
	config.max_flows = 8;
	ct = fw_ct_new(&config);
	require(ct);
	while (in.p < in.end) {
		uint8_t what = take(&in);

		now += steps[(what & 7) % 6];
		if (what == 0xff || what == 0xfe)
			upkeep(ct, &in, now);
		else
			packet(ct, &in, what, now);
		check(ct);
	}
	fw_ct_free(ct);
	return 0;
}
