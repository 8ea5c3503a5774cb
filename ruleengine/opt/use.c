/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole use of an extension: the last checks, and back to words (fw/opt.h).
 */
#include <string.h>

#include "fw/ext.h"
#include "opt/opt.h"

static int check_rows(const struct fw_use *use, struct fw_err *err)
{
	const struct fw_opt *opts = use->ext->opts;
	const char *ext = use->ext->name;
	int r;

	for (unsigned int i = 0; opts && opts[i].name; i++) {
		if ((opts[i].flags & FW_OPT_REQUIRED) && !fw_use_has(use, i)) {
			r = fw_fail(err, FW_ERR_USAGE, "%s: --%s is missing", ext, opts[i].name);
			fw_err_words(err, "%s: option \"--%s\" must be specified", ext,
				     opts[i].name);
			return r;
		}
		if (!fw_use_has(use, i))
			continue;
		for (unsigned int k = 0; opts[k].name; k++)
			if (opts[i].also >> k & 1 && !fw_use_has(use, k)) {
				r = fw_fail(err, FW_ERR_USAGE, "%s: --%s needs --%s beside it", ext,
					    opts[i].name, opts[k].name);
				fw_err_words(err, "%s: option \"--%s\" also requires \"--%s\".",
					     ext, opts[i].name, opts[k].name);
				return r;
			}
	}
	return 0;
}

int fw_use_check(const struct fw_parse_ctx *ctx, struct fw_use *use, struct fw_err *err)
{
	int r = check_rows(use, err);

	if (!r && use->ext->check)
		r = use->ext->check(ctx, use, err);
	if (!r && use->ext->used)
		use->size = use->ext->used(use);
	return r;
}

static uint64_t load(const uint8_t *at, unsigned int size)
{
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	switch (size) {
	case 1: return *at;
	case 2: memcpy(&u16, at, 2); return u16;
	case 4: memcpy(&u32, at, 4); return u32;
	default: memcpy(&u64, at, 8); return u64;
	}
}

static void print_enum(const struct fw_opt *opt, uint64_t value, struct fw_buf *out)
{
	for (const struct fw_opt_name *n = opt->names; n->name; n++)
		if (n->value == value) {
			fw_buf_str(out, n->name);
			return;
		}
	fw_buf_u64(out, value);
}

static void print_value(const struct fw_use *use, const struct fw_opt *opt, enum fw_family family,
			struct fw_buf *out)
{
	const uint8_t *at = (const uint8_t *)use->data + opt->offset;

	switch (opt->kind) {
	case FW_OPT_U8: fw_buf_u64(out, *at); break;
	case FW_OPT_U16: fw_buf_u64(out, load(at, 2)); break;
	case FW_OPT_U32: fw_buf_u64(out, load(at, 4)); break;
	case FW_OPT_U64: fw_buf_u64(out, load(at, 8)); break;
	case FW_OPT_U8_RANGE: fw_print_range(at[0], at[1], ':', out); break;
	case FW_OPT_U16_RANGE:
	case FW_OPT_PORT_RANGE: fw_print_range(load(at, 2), load(at + 2, 2), ':', out); break;
	case FW_OPT_U32_RANGE: fw_print_range(load(at, 4), load(at + 4, 4), ':', out); break;
	case FW_OPT_STRING: fw_print_quoted((const char *)at, out); break;
	case FW_OPT_ENUM: print_enum(opt, *at, out); break;
	case FW_OPT_MARK:
		fw_print_mark((uint32_t)load(at, 4), (uint32_t)load(at + 4, 4), out);
		break;
	case FW_OPT_ADDR: fw_print_addr((const union fw_addr *)at, family, out); break;
	case FW_OPT_ADDR_MASK:
		fw_print_addr((const union fw_addr *)at, family, out);
		fw_print_mask((const union fw_addr *)at + 1, family, false, out);
		break;
	default: break;
	}
}

/* Options as words; `dashes` false for the fallback of -L. */
static void print_rows(const struct fw_use *use, enum fw_family family, const char *dashes,
		       struct fw_buf *out)
{
	const struct fw_opt *opts = use->ext->opts;

	for (unsigned int i = 0; opts && opts[i].name; i++) {
		if (!fw_use_has(use, i))
			continue;
		fw_buf_str(out, fw_use_inv(use, i) ? " ! " : " ");
		fw_buf_str(out, dashes);
		fw_buf_str(out, opts[i].name);
		if (!fw_opt_words(&opts[i]))
			continue;
		fw_buf_char(out, ' ');
		if (opts[i].print)
			opts[i].print(&opts[i], use, family, out);
		else
			print_value(use, &opts[i], family, out);
	}
}

void fw_use_save(const struct fw_use *use, enum fw_family family, struct fw_buf *out)
{
	print_rows(use, family, "--", out);
}

void fw_use_list(const struct fw_use *use, enum fw_family family, bool numeric, struct fw_buf *out)
{
	if (use->ext->list) {
		use->ext->list(use, family, numeric, out);
		return;
	}
	fw_buf_char(out, ' ');
	fw_buf_str(out, use->ext->name);
	print_rows(use, family, "", out);
}
