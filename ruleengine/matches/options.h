/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options of TCP and DCCP headers: a kind, then a length that counts both; kinds 0 and 1 alone. */
#ifndef MATCHES_OPTIONS_H
#define MATCHES_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/* Where the next of n bytes of options begins.  One that says to be of no length counts as 1, and
 * the kernel does not stop at kind 0. */
static inline uint32_t option_next(const uint8_t *op, uint32_t n, uint32_t i)
{
	return i + (op[i] < 2 || i == n - 1 || !op[i + 1] ? 1 : op[i + 1]);
}

static inline bool option_stands(const uint8_t *op, uint32_t n, uint8_t kind)
{
	for (uint32_t i = 0; i < n; i = option_next(op, n, i))
		if (op[i] == kind)
			return true;
	return false;
}

#endif
