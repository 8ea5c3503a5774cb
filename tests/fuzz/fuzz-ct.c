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

/* Each entry leads to a record of its hash, to each record one, and no gap is before it. */
static uint64_t check_index(const struct ct_table *t, const struct ct_seg *seg, uint8_t *seen)
{
	uint64_t used = 0;

	for (uint32_t i = 0; i < CT_SEG_SLOTS; i++) {
		uint32_t ref = seg->slots[i].ref;

		if (!ref)
			continue;
		require(ref <= t->n_records && !seen[ref - 1]);
		seen[ref - 1] = 1;
		require(ct_table_at(t, ref - 1)->hash == seg->slots[i].hash);
		require(ct_table_at(t, ref - 1)->flags & CT_F_USED);
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
	uint64_t living = 0, used = 0, free_records = 0, entries = 0;
	uint8_t *seen = calloc(1, records + 1);

	require(seen);
	for (uint32_t i = 0; i < records; i++) {
		const struct fw_flow *flow = ct_table_at(t, i);

		if (!(flow->flags & CT_F_USED))
			continue;
		used++;
		living += !(flow->flags & CT_F_DYING);
		require(flow->flags & CT_F_INDEX);
		require(flow->hash == ct_tuple_hash(ct->config.seed, &flow->orig));
	}
	for (uint32_t f = t->free; f; f = ct_table_at(t, f - 1)->u.next_free)
		free_records++;
	require(used + free_records == records);
	require(living == ct->stats.flows);
	for (size_t i = 0; i < (size_t)1 << t->depth; i++)
		if (i == 0 || t->dir[i] != t->dir[i - 1])
			entries += check_index(t, t->dir[i], seen);
	require(entries == used);
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

/* What is dumped loads whole. */
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
	require(count_lines(&first) == count_lines(&second));
	fw_buf_deinit(&first);
	fw_buf_deinit(&second);
	fw_ct_free(other);
}

static void upkeep(struct fw_ct *ct, struct input *in, uint64_t now)
{
	struct fw_buf out = FW_BUF_INIT;
	uint64_t cursor = take(in);
	uint8_t what = take(in);

	switch (what % 5) {
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
