/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rulesets and transactions: what is shared, when counters change, who is attached.  Restore text
 * is the way in, as everywhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "edits.h"

struct living { /* a world, and what the lock saw */
	struct fw_world world;
	int locked, locks;
};

static void lock(void *priv)
{
	struct living *l = priv;

	assert_int_equal(l->locked++, 0);
	l->locks++;
}

static void unlock(void *priv)
{
	assert_int_equal(--((struct living *)priv)->locked, 0);
}

static void fill(struct fw_ruleset **rs, unsigned int n)
{
	struct fw_buf text = FW_BUF_INIT;
	struct fw_err err;

	fw_buf_str(&text, "*filter\n");
	for (unsigned int i = 0; i < n; i++)
		fw_buf_fmt(&text, "-A INPUT -s 10.%u.%u.%u -j DROP\n", i >> 16, i >> 8 & 255,
			   i & 255);
	fw_buf_str(&text, "COMMIT\n");
	assert_int_equal(edit_env(rs, &pure, 0, fw_buf_cstr(&text), &err), FW_ERR_NONE);
	fw_buf_deinit(&text);
}

static void assert_saved(const struct fw_ruleset *rs, unsigned int flags, const char *want)
{
	struct fw_buf out = FW_BUF_INIT;

	fw_save_table(rs->tables[FW_IP4][FW_FILTER], flags, &out);
	assert_string_equal(fw_buf_cstr(&out), want);
	fw_buf_deinit(&out);
}

static void test_empty(void **state)
{
	struct fw_ruleset *rs = fw_ruleset_new();
	struct fw_needs needs;
	struct fw_buf out = FW_BUF_INIT;

	(void)state;
	for (unsigned int f = 0; f < FW_N_FAMILIES; f++)
		for (unsigned int t = 0; t < FW_N_TABLES; t++)
			for (unsigned int h = 0; h < FW_N_HOOKS; h++)
				assert_int_equal(rs->tables[f][t]->builtin[h] != UINT32_MAX,
						 !!(fw_table_hooks(t) & FW_HOOK_BIT(h)));
	fw_ruleset_needs(rs, &needs);
	for (unsigned int h = 0; h < FW_N_HOOKS; h++)
		assert_false(needs.hook[FW_IP4][h] || needs.hook[FW_IP6][h]);
	fw_save(rs, FW_IP4, 0, &out);
	assert_int_equal(out.len, 0);
	fw_save(rs, FW_IP4, FW_SAVE_ALL, &out);
	assert_non_null(strstr(fw_buf_cstr(&out), "*security\n:INPUT ACCEPT [0:0]\n"));
	fw_buf_deinit(&out);
	assert_null(fw_ruleset_unref(rs, NULL));
}

/* How many chunks of INPUT two snapshots share, and how many the second has. */
static uint32_t shared_chunks(const struct fw_ruleset *a, const struct fw_ruleset *b)
{
	const struct fw_chain *x = chain(a, "INPUT"), *y = chain(b, "INPUT");
	uint32_t n = 0;

	for (uint32_t i = 0; i < x->n_chunks; i++)
		for (uint32_t j = 0; j < y->n_chunks; j++)
			n += x->chunks[i] == y->chunks[j];
	return n;
}

static void test_sharing(void **state)
{
	static const char *const edits[] = {
		"-A INPUT -j ACCEPT\n", "-I INPUT -j ACCEPT\n",	  "-I INPUT 5000 -j ACCEPT\n",
		"-D INPUT 5000\n",	"-R INPUT 700 -j DROP\n", "-D INPUT -s 10.0.9.9 -j DROP\n",
	};
	struct fw_ruleset *rs = fw_ruleset_new(), *old;

	(void)state;
	fill(&rs, 10000);
	for (size_t i = 0; i < FW_ARRAY_SIZE(edits); i++) {
		old = fw_ruleset_ref(rs);
		assert_int_equal(edit(&rs, edits[i]), FW_ERR_NONE);
		assert_true(shared_chunks(old, rs) >= chain(old, "INPUT")->n_chunks - 2);
		assert_ptr_equal(chain(old, "FORWARD"), chain(rs, "FORWARD"));
		assert_ptr_equal(old->tables[FW_IP6][FW_FILTER], rs->tables[FW_IP6][FW_FILTER]);
		assert_int_equal(rs->generation, old->generation + 1);
		fw_ruleset_unref(old, NULL);
	}
	assert_int_equal(chain(rs, "INPUT")->n_rules, 10001);
	assert_int_equal(rs->tables[FW_IP4][FW_FILTER]->n_rules, 10001);
	fw_ruleset_unref(rs, NULL);
}

/* Inserting and deleting at random places against a plain array. */
static void test_random_edits(void **state)
{
	static unsigned int model[4096], n, next = 1;
	struct fw_ruleset *rs = fw_ruleset_new();
	uint32_t seed = 7;

	(void)state;
	for (unsigned int step = 0; step < 3000; step++) {
		char line[128];
		unsigned int at;

		seed = seed * 1664525 + 1013904223;
		at = (seed >> 8) % (n + 1);
		if (seed >> 30 && n < 2000) {
			snprintf(line, sizeof(line), "-I INPUT %u -p tcp --dport %u\n", at + 1,
				 next);
			memmove(model + at + 1, model + at, (n++ - at) * sizeof(model[0]));
			model[at] = next++;
		} else if (at < n) {
			if (step & 1)
				snprintf(line, sizeof(line), "-D INPUT %u\n", at + 1);
			else
				snprintf(line, sizeof(line), "-D INPUT -p tcp --dport %u\n",
					 model[at]);
			memmove(model + at, model + at + 1, (--n - at) * sizeof(model[0]));
		} else {
			continue;
		}
		assert_int_equal(edit(&rs, line), FW_ERR_NONE);
	}
	assert_int_equal(chain(rs, "INPUT")->n_rules, n);
	assert_null(fw_chain_rule(chain(rs, "INPUT"), 0));
	assert_null(fw_chain_rule(chain(rs, "INPUT"), n + 1));
	for (unsigned int i = 0; i < n; i++) {
		struct fw_buf have = FW_BUF_INIT;
		char want[64];

		snprintf(want, sizeof(want), " -p tcp -m tcp --dport %u", model[i]);
		fw_rule_print(fw_chain_rule(chain(rs, "INPUT"), i + 1),
			      rs->tables[FW_IP4][FW_FILTER], &have);
		assert_string_equal(fw_buf_cstr(&have), want);
		fw_buf_deinit(&have);
	}
	fw_ruleset_unref(rs, NULL);
}

static void test_many_chains(void **state)
{
	struct fw_ruleset *rs = fw_ruleset_new();
	char line[128];

	(void)state;
	for (unsigned int i = 0; i < 500; i++) {
		snprintf(line, sizeof(line), "-N c%u\n-A c%u -j ACCEPT\n-A FORWARD -j c%u\n", i, i,
			 i);
		assert_int_equal(edit(&rs, line), FW_ERR_NONE);
	}
	for (unsigned int i = 0; i < 500; i += 2) {
		snprintf(line, sizeof(line), "-D FORWARD -j c%u\n-F c%u\n-X c%u\n", i, i, i);
		assert_int_equal(edit(&rs, line), FW_ERR_NONE);
	}
	assert_null(chain(rs, "c0"));
	assert_int_equal(chain(rs, "c1")->users, 1);
	assert_int_equal(edit(&rs, "-E c1 other\n"), FW_ERR_NONE);
	assert_null(chain(rs, "c1"));
	assert_int_equal(chain(rs, "other")->n_rules, 1);
	assert_int_equal(edit(&rs, "-X other\n"), FW_ERR_IN_USE);
	assert_int_equal(edit(&rs, "-F\n-X\n"), FW_ERR_NONE);
	assert_saved(rs, 0,
		     "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT "
		     "[0:0]\nCOMMIT\n");
	fw_ruleset_unref(rs, NULL);
}

struct was {
	size_t n;
	const struct fw_counters *of[8];
	uint64_t packets[8];
};

static void note_counted(void *priv, const struct fw_counters *of, const struct fw_counters *was)
{
	struct was *w = priv;

	assert_in_range(w->n, 0, 7);
	w->of[w->n] = of;
	w->packets[w->n++] = was->packets;
}

static void test_counters(void **state)
{
	struct fw_ruleset *rs = fw_ruleset_new();
	struct fw_tx *tx;
	struct fw_rule *rule;
	struct was was = {.n = 0};
	const char zero[] = "*filter\n-Z\nCOMMIT\n";

	(void)state;
	assert_int_equal(
		edit(&rs,
		     ":INPUT DROP [5:6]\n[7:8] -A INPUT -j ACCEPT\n-A INPUT -c 9 10 -j DROP\n"),
		FW_ERR_NONE);
	assert_saved(rs, FW_SAVE_COUNTERS,
		     "*filter\n:INPUT DROP [5:6]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n"
		     "[7:8] -A INPUT -j ACCEPT\n[9:10] -A INPUT -j DROP\nCOMMIT\n");
	/* The rule's identity and its counters survive edits around it. */
	rule = fw_chain_rule(chain(rs, "INPUT"), 1);
	assert_int_equal(edit(&rs, "-I INPUT -s 1.1.1.1\n-D INPUT -j DROP\n"), FW_ERR_NONE);
	assert_ptr_equal(fw_chain_rule(chain(rs, "INPUT"), 2), rule);
	/* Zeroing takes effect when published, not before. */
	tx = fw_tx_new(rs, &pure);
	assert_int_equal(
		fw_tx_apply(tx, FW_IP4, zero, strlen(zero), FW_TX_NOFLUSH, NULL, NULL, NULL, NULL),
		0);
	assert_int_equal(fw_tx_prepare(tx, NULL), 0);
	assert_false(fw_tx_empty(tx));
	assert_int_equal(rule->counters.packets, 7);
	rule->counters.packets++;
	fw_ruleset_unref(rs, NULL);
	rs = fw_tx_publish(tx);
	assert_int_equal(rule->counters.packets, 8);
	rule->counters.packets++; /* in force, and not zeroed yet */
	fw_tx_set_counters(tx, note_counted, &was);
	assert_int_equal(rule->counters.packets, 0);
	assert_int_equal(chain(rs, "INPUT")->policy_counters->packets, 0);
	assert_int_equal(was.n, 5); /* two rules, three policies */
	assert_ptr_equal(was.of[0], &fw_chain_rule(chain(rs, "INPUT"), 1)->counters);
	assert_ptr_equal(was.of[1], &rule->counters);
	assert_int_equal(was.packets[1], 9);
	assert_ptr_equal(was.of[2], chain(rs, "INPUT")->policy_counters);
	assert_int_equal(was.packets[2], 5);
	fw_tx_free(tx);
	/* One that is given up changes nothing. */
	rule->counters.packets = 3;
	tx = fw_tx_new(rs, &pure);
	assert_int_equal(
		fw_tx_apply(tx, FW_IP4, zero, strlen(zero), FW_TX_NOFLUSH, NULL, NULL, NULL, NULL),
		0);
	fw_tx_free(tx);
	assert_int_equal(rule->counters.packets, 3);
	assert_int_equal(edit(&rs, "-Z INPUT 2\n"), FW_ERR_NONE);
	assert_int_equal(rule->counters.packets, 0);
	fw_ruleset_unref(rs, NULL);
}

static void test_whole_or_nothing(void **state)
{
	struct fw_ruleset *rs = fw_ruleset_new(), *before = rs;
	struct fw_err err;

	(void)state;
	assert_int_equal(edit_env(&rs, &pure, 0,
				  "*mangle\n-A INPUT -j ACCEPT\nCOMMIT\n*filter\n-A INPUT -j "
				  "ACCEPT\n-A NOPE -j DROP\nCOMMIT\n",
				  &err),
			 FW_ERR_NO_CHAIN);
	assert_ptr_equal(rs, before);
	assert_int_equal(err.line, 6);
	assert_int_equal(err.column, 4);
	assert_int_equal(err.length, 4);
	assert_int_equal(rs->tables[FW_IP4][FW_MANGLE]->n_rules, 0);
	assert_int_equal(edit_env(&rs, &pure, 0, "*filter\n-A INPUT\n", &err), FW_ERR_COMMIT);
	assert_int_equal(edit_env(&rs, &pure, 0, "-A INPUT\n", &err), FW_ERR_PLACE);
	fw_ruleset_unref(rs, NULL);
}

static void test_empty_tx(void **state)
{
	struct fw_ruleset *rs = fw_ruleset_new();
	const char look[] = "*filter\n-C INPUT -j ACCEPT\n-L\n-S INPUT\nCOMMIT\n";
	struct fw_buf out = FW_BUF_INIT;
	struct fw_tx *tx;

	(void)state;
	assert_int_equal(edit(&rs, "-A INPUT -j ACCEPT\n"), FW_ERR_NONE);
	tx = fw_tx_new(rs, &pure);
	assert_int_equal(
		fw_tx_apply(tx, FW_IP4, look, strlen(look), FW_TX_NOFLUSH, NULL, NULL, &out, NULL),
		0);
	assert_true(fw_tx_empty(tx));
	assert_non_null(strstr(fw_buf_cstr(&out), "-P INPUT ACCEPT\n-A INPUT -j ACCEPT\n"));
	fw_buf_deinit(&out);
	fw_tx_free(tx);
	fw_ruleset_unref(rs, NULL);
}

/* An extension joins once for each rule, whatever happens around it, and leaves when the last
 * snapshot with the rule goes; the list outlives a restore of the same text. */
static void test_attach(void **state)
{
	static const char text[] =
		"*filter\n-A INPUT -m recent --name a --set\n-A INPUT -j ACCEPT\nCOMMIT\n";
	struct living l = {.world = {.recent = fw_recent_new(1, 0)}};
	struct fw_tx_env env = {.world = &l.world, .lock = lock, .unlock = unlock, .priv = &l};
	struct fw_ruleset *rs = fw_ruleset_new(), *old;
	union fw_addr addr = {.u32 = {1}};
	struct fw_buf out = FW_BUF_INIT;
	struct fw_err err;
	uint64_t cursor = 0;

	(void)state;
	assert_int_equal(edit_env(&rs, &env, 0, text, &err), FW_ERR_NONE);
	assert_int_equal(l.locks, 1);
	assert_int_equal(fw_recent_add(l.world.recent, "a", FW_IP4, &addr, 5), 0);
	assert_int_equal(edit_env(&rs, &env, 0, text, &err), FW_ERR_NONE);
	assert_int_equal(fw_recent_print(l.world.recent, "a", &cursor, 999, &out), 0);
	assert_true(out.len > 0);
	/* no lock where nothing joins or leaves */
	l.locks = 0;
	assert_int_equal(
		edit_env(&rs, &env, FW_TX_NOFLUSH, "*filter\n-I INPUT -j DROP\nCOMMIT\n", &err), 0);
	assert_int_equal(l.locks, 0);
	/* nor where what joins is the rule's own */
	assert_int_equal(edit_env(&rs, &env, FW_TX_NOFLUSH,
				  "*filter\n-I INPUT -m limit --limit 5/s -j DROP\nCOMMIT\n", &err),
			 0);
	assert_int_equal(l.locks, 0);
	/* a transaction that is refused leaves nothing behind */
	assert_int_equal(
		edit_env(&rs, &env, FW_TX_NOFLUSH,
			 "*filter\n-A INPUT -m recent --name b --set\n-A INPUT -j NFQUEUE\nCOMMIT\n"
			 "*nat\n-A INPUT -j ACCEPT\nCOMMIT\n",
			 &err),
		FW_ERR_PLACE);
	assert_int_equal(fw_recent_print(l.world.recent, "b", &cursor, 999, &out), -1);
	/* the list goes with the last snapshot that holds the rule */
	old = fw_ruleset_ref(rs);
	assert_int_equal(edit_env(&rs, &env, FW_TX_NOFLUSH, "*filter\n-F\nCOMMIT\n", &err),
			 FW_ERR_NONE);
	assert_int_equal(fw_recent_print(l.world.recent, "a", &cursor, 999, &out), 0);
	fw_ruleset_unref(old, &env);
	assert_int_equal(fw_recent_print(l.world.recent, "a", &cursor, 999, &out), -1);
	fw_ruleset_unref(rs, &env);
	fw_recent_free(l.world.recent);
	fw_buf_deinit(&out);
}

/* A rule in an open graveyard is over, and its list with it; its counters can still be added to. */
static void test_graveyard(void **state)
{
	struct living l = {.world = {.recent = fw_recent_new(1, 0)}};
	struct fw_graveyard graveyard = {.open = true};
	struct fw_tx_env env = {.world = &l.world, .graveyard = &graveyard};
	static const struct fw_counters more = {.packets = 2, .bytes = 100};
	struct fw_ruleset *rs = fw_ruleset_new();
	uint64_t cursor = 0;
	struct fw_buf out = FW_BUF_INIT;
	struct fw_rule *list, *plain;
	struct fw_err err;

	(void)state;
	assert_int_equal(edit_env(&rs, &env, 0,
				  "*filter\n-A INPUT -m recent --name a --set\n-A INPUT -j DROP\n"
				  "-A OUTPUT -j DROP\nCOMMIT\n",
				  &err),
			 FW_ERR_NONE);
	list = fw_chain_rule(chain(rs, "INPUT"), 1);
	plain = fw_chain_rule(chain(rs, "INPUT"), 2);
	assert_int_equal(
		edit_env(&rs, &env, FW_TX_NOFLUSH, "*filter\n-F INPUT\nCOMMIT\n", &err),
		FW_ERR_NONE);
	assert_int_equal(fw_recent_print(l.world.recent, "a", &cursor, 9, &out), -1);
	fw_counters_add(&list->counters, &more);
	fw_counters_add(&plain->counters, &more);
	assert_int_equal(plain->counters.packets, 2);
	assert_true((graveyard.rules == list && list->id == (uintptr_t)plain) ||
		    (graveyard.rules == plain && plain->id == (uintptr_t)list));
	fw_graveyard_clear(&graveyard);
	graveyard.open = false;
	fw_ruleset_unref(rs, &env);
	assert_null(graveyard.rules);
	fw_recent_free(l.world.recent);
	fw_buf_deinit(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_sharing),
		cmocka_unit_test(test_random_edits),
		cmocka_unit_test(test_many_chains),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_whole_or_nothing),
		cmocka_unit_test(test_empty_tx),
		cmocka_unit_test(test_attach),
		cmocka_unit_test(test_graveyard),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
