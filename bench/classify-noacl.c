/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bench/classify without DPDK: the peer's column stays empty. */
#include "classify-acl.h"

struct acl *acl_build(const struct cb_set *set)
{
	(void)set;
	return NULL;
}

void acl_free(struct acl *a)
{
	(void)a;
}

size_t acl_size(const struct acl *a)
{
	(void)a;
	return 0;
}

uint64_t acl_run(struct acl *a, const struct cb_header *h, size_t n, size_t batch, bool avx2)
{
	(void)a, (void)h, (void)n, (void)batch, (void)avx2;
	return 0;
}
