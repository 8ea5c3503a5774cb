/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is dropped often (daemon/kernel/hitters.h): when it is told, and that a crowd hides nobody.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kernel/hitters.h"

static struct fwd_source source(uint32_t address)
{
	return (struct fwd_source){.addr.u32[0] = address, .in = "eth0", .proto = 17};
}

/* At the drop that makes it often, once a second. */
static void test_often(void **state)
{
	struct fwd_hitters *h = fwd_hitters_new(1);
	const struct fwd_source s = source(7);

	(void)state;
	for (unsigned int second = 0; second < 3; second++)
		for (unsigned int i = 1; i <= 3 * FWD_HITTERS_OFTEN; i++)
			assert_int_equal(fwd_hitters_add(h, &s, 1, second * FW_NSEC_PER_SEC + i),
					 i == FWD_HITTERS_OFTEN);
	fwd_hitters_forget(h);
	for (unsigned int i = 1; i < FWD_HITTERS_OFTEN; i++)
		assert_false(fwd_hitters_add(h, &s, 1, 5 * FW_NSEC_PER_SEC));
	free(h);
}

/* While packets wait, a few are enough. */
static void test_crowded(void **state)
{
	struct fwd_hitters *h = fwd_hitters_new(1);
	const struct fwd_source s = source(7);
	unsigned int n = 1;

	(void)state;
	assert_false(fwd_hitters_add(h, &s, 1, 1)); /* no multiple of it */
	while (!fwd_hitters_add(h, &s, FWD_HITTERS_CROWDED, 1))
		n++;
	assert_int_equal(n, FWD_HITTERS_OFTEN / FWD_HITTERS_CROWDED);
	assert_false(fwd_hitters_add(h, &s, FWD_HITTERS_CROWDED, 1));
	free(h);
}

/* A few a second for ever are not often. */
static void test_seldom(void **state)
{
	struct fwd_hitters *h = fwd_hitters_new(1);
	const struct fwd_source s = source(7);

	(void)state;
	for (unsigned int i = 0; i < 1000; i++)
		assert_false(fwd_hitters_add(h, &s, 1, i * (FW_NSEC_PER_SEC / 50)));
	free(h);
}

/* Interface, hook, protocol and family make another source. */
static void test_apart(void **state)
{
	struct fwd_hitters *h = fwd_hitters_new(1);
	struct fwd_source s[] = {source(7), source(7), source(7), source(7), source(8)};

	(void)state;
	s[1].in[3] = '1';
	s[2].proto = 6;
	s[3].place = FW_FORWARD;
	for (unsigned int i = 1; i < FWD_HITTERS_OFTEN; i++)
		for (size_t k = 0; k < FW_ARRAY_SIZE(s); k++)
			assert_false(fwd_hitters_add(h, &s[k], 1, 1));
	for (size_t k = 0; k < FW_ARRAY_SIZE(s); k++)
		assert_true(fwd_hitters_add(h, &s[k], 1, 1));
	free(h);
}

/* Made-up sources, each once, between the packets of those who flood. */
static void test_crowd(void **state)
{
	struct fwd_hitters *h = fwd_hitters_new(1);
	unsigned int told = 0;

	(void)state;
	for (uint32_t i = 0; i < 200 * FWD_HITTERS_OFTEN; i++)
		for (uint32_t k = 0; k < 10; k++) {
			const struct fwd_source s = source(k ? 1000 + i * 10 + k : i % 64);

			told += fwd_hitters_add(h, &s, 1, 1);
		}
	assert_true(told >= 60 && told <= 64);
	free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_often),  cmocka_unit_test(test_crowded),
		cmocka_unit_test(test_seldom), cmocka_unit_test(test_apart),
		cmocka_unit_test(test_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
