/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tracker's table: its hash, its memory, many flows, the limit and what goes then, timeouts by
 * name, marks. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ct-packets.h"
#include "track/siphash.h"
#include "track/track.h"

/* The SipHash paper's key and messages 00 01 02 …; 1-3 as other implementations print it. */
static void test_siphash_vectors(void **state)
{
	uint64_t key[2] = {0x0706050403020100ull, 0x0f0e0d0c0b0a0908ull};
	uint8_t msg[64];

	(void)state;
	for (uint8_t i = 0; i < 64; i++)
		msg[i] = i;
	assert_true(sip_bytes(key, msg, 0, 2, 4) == 0x726fdb47dd0e0e31ull);
	assert_true(sip_bytes(key, msg, 8, 2, 4) == 0x93f5f5799a932462ull);
	assert_true(sip_bytes(key, msg, 15, 2, 4) == 0xa129ca6149be45e5ull);
	assert_true(sip_bytes(key, msg, 0, 1, 3) == 0xabac0158050fc4dcull);
}

/* A tuple and its inversion have one hash, and each the other's last word; others have others. */
static void test_keys(void **state)
{
	static const uint8_t protos[] = {1, 6, 17, 33, 47, 58, 132};
	struct fw_ct *ct = fresh();
	struct ct_key key, back;
	struct fw_tuple t, inverse;

	(void)state;
	for (uint32_t n = 0; n < 2 * FW_ARRAY_SIZE(protos); n++) {
		for (uint32_t i = 0; i < 8; i++) {
			memset(&t, 0, sizeof(t));
			t.family = (uint8_t)(n & 1);
			t.proto = protos[n / 2];
			t.zone = (uint16_t)(i & 1 ? 7 : 0);
			t.src.u8[3] = (uint8_t)(i & 2 ? 9 : 1);
			t.dst.u8[3] = (uint8_t)(i & 4 ? 1 : 5);
			t.sport_be = htons(1000);
			t.dport_be = htons(t.proto == 1 ? 8 << 8 : t.proto == 58 ? 129 << 8 : 53);
			assert_true(ct_key_make(ct, &t, &key));
			assert_true(ct_tuple_invert(&t, &inverse));
			assert_true(ct_key_make(ct, &inverse, &back));
			assert_int_equal(key.hash, back.hash);
			assert_true(key.answer == ct_tail(&inverse) && back.answer == ct_tail(&t));
			assert_true(ct_key_inverse(&key, &inverse));
			assert_false(ct_key_inverse(&key, &t));
			assert_memory_equal(&inverse.src, &t.dst, sizeof(t.dst));
			t.sport_be = htons(1001);
			assert_true(ct_key_make(ct, &t, &back));
			assert_int_not_equal(key.hash, back.hash);
		}
	}
	fw_ct_free(ct);
}

/* Pieces of memory that are full are told of, each once. */
static void test_full_pieces(void **state)
{
	enum { N = 2 * CT_CHUNK + 1 };
	struct fw_ct *ct = fresh();
	struct bytes b;
	void *first, *second;
	size_t size;

	(void)state;
	assert_null(fw_ct_full_piece(ct, &size));
	for (uint32_t n = 0; n < N; n++) {
		make_nth(&b, n, false);
		say(ct, &b, 0);
	}
	first = fw_ct_full_piece(ct, &size);
	second = fw_ct_full_piece(ct, &size);
	assert_non_null(first);
	assert_non_null(second);
	assert_ptr_not_equal(first, second);
	assert_true((uintptr_t)first % size == 0 && (uintptr_t)second % size == 0);
	assert_null(fw_ct_full_piece(ct, &size));
	fw_ct_free(ct);
}

static void test_many_flows(void **state)
{
	enum { N = 60000 };
	struct fw_ct *ct = fresh();
	struct bytes b;
	size_t gone = 0;

	(void)state;
	for (uint32_t n = 0; n < N; n++) {
		make_nth(&b, n, false);
		assert_int_equal(say(ct, &b, 0), FW_CT_NEW);
	}
	assert_int_equal(fw_ct_stats(ct)->flows, N);
	for (uint32_t n = 0; n < N; n += 2) {
		make_nth(&b, n, true);
		assert_int_equal(say(ct, &b, 20 * SEC), FW_CT_ESTABLISHED_REPLY);
	}
	for (int i = 0; i < 200; i++)
		gone += fw_ct_gc(ct, 30 * SEC, 500);
	assert_int_equal(gone, N / 2);
	assert_int_equal(fw_ct_stats(ct)->flows, N / 2);
	for (uint32_t n = 0; n < N; n++) {
		make_nth(&b, n, false);
		assert_int_equal(say(ct, &b, 31 * SEC), n % 2 ? FW_CT_NEW : FW_CT_ESTABLISHED);
	}
	fw_ct_gc(ct, 1000 * SEC, SIZE_MAX);
	assert_int_equal(fw_ct_stats(ct)->flows, 0);
	fw_ct_free(ct);
}

/* Known flows, unknown ones and packets without any: asking for them ahead is seen by nobody. */
static void test_prefetch(void **state)
{
	static const struct fw_pkt_meta meta = {.hook = FW_PREROUTING};
	enum { N = 40000 };
	struct fw_ct *ct = fresh();
	const struct fw_packet *pkts[FW_CT_PREFETCH];
	struct fw_packet pkt[FW_CT_PREFETCH];
	struct bytes b[FW_CT_PREFETCH];
	struct fw_ct_stats before;

	(void)state;
	for (uint32_t n = 0; n < N; n++) {
		make_nth(&b[0], n, false);
		assert_int_equal(say(ct, &b[0], 0), FW_CT_NEW);
	}
	for (uint32_t i = 0; i < FW_CT_PREFETCH; i++) {
		make_nth(&b[i], N - FW_CT_PREFETCH / 2 + i, i & 1);
		if (i % 8 == 0)
			b[i].data[7] = 1; /* a later fragment */
		assert_int_equal(
			fw_packet_parse(&pkt[i], FW_IP4, b[i].data, b[i].len, b[i].len, &meta), 0);
		pkts[i] = &pkt[i];
	}
	before = *fw_ct_stats(ct);
	fw_ct_prefetch(ct, pkts, FW_CT_PREFETCH);
	fw_ct_prefetch(ct, pkts, 0);
	assert_memory_equal(&before, fw_ct_stats(ct), sizeof(before));
	make_nth(&b[1], N - 1, true);
	assert_int_equal(say(ct, &b[1], 0), FW_CT_ESTABLISHED_REPLY);
	fw_ct_free(ct);
}

static struct fw_ct *limited(uint32_t max, struct fw_ct_config *config)
{
	*config = (struct fw_ct_config)FW_CT_CONFIG_INIT;
	config->max_flows = max;
	return fw_ct_new(config);
}

static void test_early_drop(void **state)
{
	struct fw_ct_config config;
	struct fw_ct *ct = limited(100, &config);
	struct bytes b;

	(void)state;
	for (uint32_t n = 0; n < 1000; n++) {
		make_nth(&b, n, false);
		assert_int_equal(say(ct, &b, 0), FW_CT_NEW);
	}
	assert_int_equal(fw_ct_stats(ct)->flows, 100);
	assert_int_equal(fw_ct_stats(ct)->early_drop, 900);
	assert_int_equal(fw_ct_stats(ct)->drop, 0);
	fw_ct_free(ct);
}

/* All assured: nobody can be evicted, the packet must go; gc makes room among closing ones. */
static void test_full_of_assured(void **state)
{
	struct fw_pkt_meta meta = {.hook = FW_PREROUTING};
	struct fw_ct_config config;
	struct fw_ct *ct = limited(100, &config);
	struct bytes b;

	(void)state;
	for (uint32_t n = 0; n < 100; n++) {
		make_nth(&b, n, false);
		say(ct, &b, 0);
		make_nth(&b, n, true);
		say(ct, &b, 1);
		say(ct, &b, 3 * SEC);
	}
	make_nth(&b, 100, false);
	assert_int_equal(hear(ct, &b, 3 * SEC, &meta, false).ret, -1);
	assert_int_equal(fw_ct_stats(ct)->drop, 1);
	assert_int_equal(fw_ct_gc(ct, 3 * SEC, 10000), 0);
	make_nth(&b, 5, false); /* those who are in are served */
	assert_int_equal(say(ct, &b, 3 * SEC), FW_CT_ESTABLISHED);
	make_nth(&b, 100, false);
	assert_int_equal(hear(ct, &b, 124 * SEC, &meta, false).ret, 0); /* room again: expired */
	fw_ct_free(ct);
}

static void test_timeout_names(void **state)
{
	struct fw_ct *ct = fresh();
	struct bytes q;
	uint32_t seconds;

	(void)state;
	assert_int_equal(fw_ct_get_timeout(ct, "tcp_timeout_established", &seconds), 0);
	assert_int_equal(seconds, 432000);
	assert_int_equal(fw_ct_set_timeout(ct, "nonsense", 1), -1);
	assert_int_equal(fw_ct_get_timeout(ct, "nonsense", &seconds), -1);
	assert_int_equal(fw_ct_set_timeout(ct, "udp_timeout", 5), 0);
	make_udp(&q, CLIENT, SERVER, 5000, 53);
	assert_int_equal(fw_flow_expires_s(pass_packet(ct, &q, 0).flow, 0), 5);
	fw_ct_free(ct);
}

static void test_marks_and_counters(void **state)
{
	struct fw_ct_config config = FW_CT_CONFIG_INIT;
	struct fw_buf out = FW_BUF_INIT;
	struct fw_ct *ct;
	uint64_t cursor = 0;
	struct bytes q, a;
	struct heard h;

	(void)state;
	config.acct = true;
	ct = fw_ct_new(&config);
	make_question(&q, &a);
	h = pass_packet(ct, &q, 0);
	fw_flow_set_mark(h.flow, 0x77);
	pass_packet(ct, &q, 0);
	h = pass_packet(ct, &a, 0);
	assert_int_equal(fw_flow_mark(h.flow), 0x77);
	fw_ct_list(ct, &cursor, 10, NULL, 0, FW_CT_TEXT, &out);
	assert_string_equal(
		fw_buf_cstr(&out),
		"udp      17 30 src=10.0.0.1 dst=10.0.0.2 sport=5000 dport=53 packets=2 "
		"bytes=64 src=10.0.0.2 dst=10.0.0.1 sport=53 dport=5000 packets=1 bytes=32 "
		"mark=119 use=1\n");
	fw_buf_deinit(&out);
	fw_ct_free(ct);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_siphash_vectors),	   cmocka_unit_test(test_many_flows),
		cmocka_unit_test(test_prefetch),	   cmocka_unit_test(test_early_drop),
		cmocka_unit_test(test_full_of_assured),	   cmocka_unit_test(test_timeout_names),
		cmocka_unit_test(test_marks_and_counters), cmocka_unit_test(test_keys),
		cmocka_unit_test(test_full_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
