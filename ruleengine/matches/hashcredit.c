/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One bucket of credit of -m hashlimit, with xt_hashlimit's arithmetic at a millisecond's grain
 * (HZ 1000; other values of HZ give the same credit in a second).  Where the kernel's credit wraps
 * after 37 hours without a packet, ours stays full.
 */
#include "matches/hashcredit.h"

#define CREDITS_PER_MS  (1ull << 37) /* CREDITS_PER_JIFFY */
#define CREDITS_PER_SEC (1000 * CREDITS_PER_MS)
#define BYTE_CREDITS_MS 4194304ull   /* CREDITS_PER_JIFFY_BYTES */
#define BYTE_CAP        (1000 * BYTE_CREDITS_MS)
#define BYTE_SHIFT      4

uint64_t hl_cost(uint64_t avg)
{
	return avg * (CREDITS_PER_SEC / HL_SCALE);
}

uint32_t hl_byte_cost(uint64_t avg)
{
	return (uint32_t)(avg * BYTE_CAP >> 32);
}

/* rate-match: packets or bytes that may come in a second */
static uint64_t per_second(const struct hl_config *c)
{
	return c->mode & HL_BYTES ? (UINT32_MAX / c->avg - 1) << BYTE_SHIFT : HL_SCALE / c->avg;
}

void hl_credit_start(const struct hl_config *c, struct hl_credit *n, uint64_t now_ms)
{
	n->prev_ms = now_ms;
	n->over = false;
	if (c->mode & HL_RATE) {
		uint64_t rate = per_second(c);

		n->credit = 0;
		n->cap = c->mode & HL_BYTES ? rate * (c->burst ? c->burst : 1) : rate + c->burst;
	} else if (c->mode & HL_BYTES) {
		n->credit = BYTE_CAP;
		n->cap = c->burst; /* refills left */
	} else {
		n->credit = n->cap = hl_cost(c->avg * c->burst);
	}
}

void hl_credit_refill(const struct hl_config *c, struct hl_credit *n, uint64_t now_ms)
{
	uint64_t delta = now_ms > n->prev_ms ? now_ms - n->prev_ms : 0, cap, per_ms;

	if (!delta)
		return;
	if (c->mode & HL_RATE) {
		uint64_t interval = c->interval_s * 1000ull;
		uint64_t rate = per_second(c);

		if (delta < interval)
			return;
		n->prev_ms = now_ms;
		n->over = n->credit * interval > delta * rate;
		n->credit = 0;
		return;
	}
	n->prev_ms = now_ms;
	cap = c->mode & HL_BYTES ? BYTE_CAP : n->cap;
	per_ms = c->mode & HL_BYTES ? BYTE_CREDITS_MS : CREDITS_PER_MS;
	if (delta > (cap - (n->credit < cap ? n->credit : cap)) / per_ms)
		n->credit = cap;
	else
		n->credit += delta * per_ms;
}

bool hl_credit_spend(const struct hl_config *c, uint8_t mode, struct hl_credit *n, uint32_t len)
{
	uint64_t cost;

	if (mode & HL_RATE) {
		n->credit += mode & HL_BYTES ? len : 1;
		return !n->over && n->credit <= n->cap;
	}
	if (mode & HL_BYTES) {
		cost = ((len >> BYTE_SHIFT) + 1ull) * hl_byte_cost(c->avg);
		if (cost > BYTE_CAP)
			cost = BYTE_CAP;
		if (n->credit < cost && n->cap) {
			n->cap--;
			n->credit = BYTE_CAP;
		}
	} else {
		cost = hl_cost(c->avg);
	}
	if (n->credit < cost)
		return false;
	n->credit -= cost;
	return true;
}
