/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rates and bursts of -m hashlimit in words: "5/min", "512kb/s", "3mb" (hashrate.h).  A byte rate
 * is kept as what 16 bytes cost, so it comes back rounded, as with iptables.
 */
#include <string.h>
#include <strings.h>

#include "matches/hashrate.h"
#include "opt/opt.h"

#define DAY 86400u

uint64_t hl_cost_to_bytes(uint64_t cost)
{
	return ((cost ? UINT32_MAX / cost : UINT32_MAX) - 1) << 4;
}

static uint64_t bytes_to_cost(uint64_t bytes)
{
	return UINT32_MAX / ((uint32_t)(bytes >> 4) + 1ull);
}

/* The factor of "k" or "m" at *p, which is passed over. */
static uint64_t factor(const char **p)
{
	uint64_t f = **p == 'm' ? 1024 * 1024 : **p == 'k' ? 1024 : 1;

	*p += f > 1;
	return f;
}

const char *hl_parse_rate(const char *word, struct hl_config *c, uint32_t *unit_s)
{
	uint64_t n;
	const char *p = fw_scan_u64(word, &n);

	if (!p || !n)
		return "is neither NUMBER[/second|/minute|/hour|/day] nor NUMBER[k|m]b/s";
	*unit_s = *p ? *p == '/' ? fw_parse_unit(p + 1) : 0 : 1;
	if (*unit_s) {
		c->avg = HL_SCALE * *unit_s / n;
		return c->avg ? NULL : "is too fast";
	}
	if (__builtin_mul_overflow(n, factor(&p), &n) || strcmp(p, "b/s"))
		return "is neither NUMBER[/second|/minute|/hour|/day] nor NUMBER[k|m]b/s";
	c->mode |= HL_BYTES;
	*unit_s = HL_BYTE_EXPIRE_S;
	c->avg = n >> 4 <= UINT32_MAX ? bytes_to_cost(n) : 0;
	return c->avg ? NULL : "is too fast";
}

uint32_t hl_print_period(uint64_t period, struct fw_buf *out)
{
	static const struct {
		const char *name;
		uint32_t seconds;
	} units[] = {{"day", DAY}, {"hour", 3600}, {"min", 60}, {"sec", 1}};
	unsigned int i = 1;

	while (i < FW_ARRAY_SIZE(units) && period <= units[i].seconds * HL_SCALE &&
	       units[i].seconds * HL_SCALE / period >= units[i].seconds * HL_SCALE % period)
		i++;
	if (out)
		fw_buf_fmt(out, "%llu/%s",
			   (unsigned long long)(units[i - 1].seconds * HL_SCALE / period),
			   units[i - 1].name);
	return units[i - 1].seconds;
}

static void print_bytes(uint64_t bytes, uint64_t step, const char *end, struct fw_buf *out)
{
	fw_buf_u64(out, bytes / step);
	fw_buf_str(out, step == 1024 * 1024 ? "m" : step == 1024 ? "k" : "");
	fw_buf_str(out, end);
}

void hl_print_rate(const struct hl_config *c, uint64_t period, struct fw_buf *out)
{
	uint64_t bytes = hl_cost_to_bytes(c->avg), step = 1024 * 1024;

	if (!(c->mode & HL_BYTES)) {
		hl_print_period(period, out);
		return;
	}
	while (step > 1 && (bytes < step || bytes_to_cost(bytes & ~(step - 1)) != c->avg))
		step /= 1024;
	print_bytes(bytes, step, "b/s", out);
}

bool hl_parse_burst(const char *word, uint64_t *ret)
{
	const char *p = fw_scan_u64(word, ret);
	bool plain = p && !*p;

	return p && *ret && !__builtin_mul_overflow(*ret, factor(&p), ret) &&
		(!*p || !strcmp(p, "b")) && !(plain && *ret > HL_BURST_MAX);
}

void hl_print_burst(const struct hl_config *c, struct fw_buf *out)
{
	uint64_t bytes = hl_cost_to_bytes(c->avg) * c->burst;

	if (!(c->mode & HL_BYTES))
		fw_buf_u64(out, c->burst);
	else
		print_bytes(bytes,
			    bytes >= 1024 * 1024    ? 1024 * 1024
				    : bytes >= 1024 ? 1024
						    : 1,
			    "b", out);
}
