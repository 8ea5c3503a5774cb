/* SPDX-License-Identifier: GPL-2.0-or-later */
/* librte_acl as a peer of bench/classify, where DPDK is installed; else there is none. */
#ifndef BENCH_CLASSIFY_ACL_H
#define BENCH_CLASSIFY_ACL_H

#include <stdbool.h>

#include "classbench.h"

struct acl;

/* NULL: no librte_acl, or it cannot build this set. */
struct acl *acl_build(const struct cb_set *set);
void acl_free(struct acl *a);
size_t acl_size(const struct acl *a);
/* Sum of the numbers (1-based; behind the last: none) of the first filters that hold. */
uint64_t acl_run(struct acl *a, const struct cb_header *h, size_t n, size_t batch, bool avx2);

#endif
