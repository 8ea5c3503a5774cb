/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What esp and ah share: a range of security parameter indexes, first in their data and tables. */
#ifndef MATCHES_SPI_H
#define MATCHES_SPI_H

#include "opt/opt.h"

struct spi {
	uint32_t range[2];
};

enum { ROW_SPI };

#define SPI_ROW(name_)                                                                      \
	[ROW_SPI] = {.name = name_, .kind = FW_OPT_U32_RANGE, .flags = FW_OPT_NOT,            \
		     .arg = "spi[:spi]", .help = "match spi (range)"}

static inline void spi_init(const struct fw_parse_ctx *ctx, struct fw_use *use)
{
	((struct spi *)use->data)->range[1] = UINT32_MAX;
}

/* All of them is no condition, and iptables does not print it. */
static inline int spi_check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	const struct spi *s = use->data;

	if (!s->range[0] && s->range[1] == UINT32_MAX && !fw_use_inv(use, ROW_SPI))
		use->set &= ~(1ull << ROW_SPI);
	return 0;
}

static inline void spi_list(const struct fw_use *use, struct fw_buf *out)
{
	const struct spi *s = use->data;

	if (!fw_use_has(use, ROW_SPI))
		return;
	fw_buf_str(out, s->range[0] == s->range[1] ? "spi:" : "spis:");
	if (fw_use_inv(use, ROW_SPI))
		fw_buf_char(out, '!');
	fw_print_range(s->range[0], s->range[1], ':', out);
}

/* at: four bytes, or NULL where the packet ends before them (then it is dropped at once) */
static inline bool spi_match(const struct fw_use *use, struct fw_eval *e, const uint8_t *at)
{
	const struct spi *s = use->data;
	uint32_t spi;

	if (!at) {
		e->hotdrop = true;
		return false;
	}
	spi = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
	return (spi >= s->range[0] && spi <= s->range[1]) != fw_use_inv(use, ROW_SPI);
}

#endif
