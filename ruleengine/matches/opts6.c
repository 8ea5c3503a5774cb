/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv6 hop-by-hop and destination options (opts6.h). */
#include "matches/opts6.h"

#include <errno.h>
#include <string.h>

static int refuse(struct fw_err *err, const struct fw_use *use, const struct fw_opt *opt,
		  const char *word, const char *part)
{
	fw_opt_refuse(err, use, opt, word, "is no list of TYPE[:LEN] up to 255");
	fw_err_words(err, "%s: no valid digits in opt `%s'", use->ext->name, part);
	return -EINVAL;
}

int opts6_take(const struct fw_parse_ctx *ctx, const struct fw_opt *opt, struct fw_use *use,
	       bool inverted, const char *const *words, struct fw_err *err)
{
	struct opts6 *o = use->data;
	const char *p = words[0];

	for (;;) {
		uint64_t type, size = OPTS6_ANY;
		const char *end = fw_scan_u64(p, &type);

		if (end && *end == ':')
			end = fw_scan_u64(end + 1, &size);
		if (!end || (*end && *end != ',') || type > UINT8_MAX || size > UINT8_MAX)
			return refuse(err, use, opt, words[0], p);
		if (o->n == OPTS6_MAX) {
			fw_opt_refuse(err, use, opt, words[0], "has more than 16 options");
			fw_err_words(err, "too many addresses specified");
			return -EINVAL;
		}
		o->type[o->n] = (uint8_t)type;
		o->size[o->n++] = (uint8_t)size;
		if (!*end)
			return 0;
		p = end + 1;
	}
}

void opts6_print(const struct fw_opt *opt, const struct fw_use *use, enum fw_family family,
		 struct fw_buf *out)
{
	const struct opts6 *o = use->data;

	for (uint32_t i = 0; i < o->n; i++) {
		fw_buf_fmt(out, "%s%u", i ? "," : "", o->type[i]);
		if (o->size[i] != OPTS6_ANY)
			fw_buf_fmt(out, ":%u", o->size[i]);
	}
}

void opts6_list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	const struct opts6 *o = use->data;

	fw_buf_fmt(out, " %s", use->ext->name);
	if (fw_use_has(use, OPTS6_LEN))
		fw_buf_fmt(out, " length:%s%u", fw_use_inv(use, OPTS6_LEN) ? "!" : "", o->len);
	if (fw_use_has(use, OPTS6_OPTS)) {
		fw_buf_str(out, " opts ");
		opts6_print(NULL, use, family, out);
	}
}

/* Do the header's options, `left` bytes from `off` on, begin with ours?  Type 0 has no length. */
static bool begins_with(const struct opts6 *o, const struct fw_packet *pkt, uint32_t off,
			uint32_t left)
{
	for (uint32_t i = 0; i < o->n; i++) {
		const uint8_t *p = left ? fw_packet_bytes(pkt, off, 1) : NULL;
		uint32_t size = 1;

		if (!p || *p != o->type[i])
			return false;
		if (*p) {
			p = left > 1 ? fw_packet_bytes(pkt, off, 2) : NULL;
			if (!p || (o->size[i] != OPTS6_ANY && o->size[i] != p[1]))
				return false;
			size = p[1] + 2u;
		}
		if ((off > pkt->len - size || left < size) && i + 1 < o->n)
			return false;
		off += size;
		left -= size;
	}
	return true;
}

bool opts6_match(const struct fw_use *use, struct fw_eval *e, uint8_t header)
{
	const struct opts6 *o = use->data;
	const uint32_t off = ext6_find_or_drop(e, header);
	uint32_t len;

	if (!off)
		return false;
	len = (e->pkt->data[off + 1] + 1u) * 8;
	if (e->pkt->len - off < len) {
		e->hotdrop = true;
		return false;
	}
	if (fw_use_has(use, OPTS6_OPTS) && !begins_with(o, e->pkt, off + 2, len - 2))
		return false;
	return !fw_use_has(use, OPTS6_LEN) || (o->len == len) != fw_use_inv(use, OPTS6_LEN);
}
