/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Refusals of options in one voice.  They say extension, option, word and what was expected;
 * beside that they carry the sentence of xtables' own option parser, for the drop-in commands.
 */
#include <string.h>

#include "fw/ext.h"
#include "fw/tx.h"
#include "opt/opt.h"

int fw_opt_refuse(struct fw_err *err, const struct fw_use *use, const struct fw_opt *opt,
		  const char *word, const char *why)
{
	int r = fw_fail(err, FW_ERR_USAGE, "%s: --%s: '%s' %s", use->ext->name, opt->name, word,
			why);

	fw_err_words(err, "%s: bad value \"%s\" for option \"--%s\"", use->ext->name, word,
		     opt->name);
	return r;
}

int fw_opt_out_of_range(struct fw_err *err, const struct fw_use *use, const struct fw_opt *opt,
			const char *word)
{
	unsigned long long lo = opt->min, hi = fw_opt_max(opt);
	int r = fw_fail(err, FW_ERR_USAGE, "%s: --%s: '%s' is not in %llu..%llu", use->ext->name,
			opt->name, word, lo, hi);

	fw_err_words(err, "%s: bad value for option \"--%s\", or out of range (%llu-%llu).",
		     use->ext->name, opt->name, lo, hi);
	return r;
}

/* xtables names the part that is wrong, and counts the second part from the first. */
int fw_opt_bad_range(struct fw_err *err, const struct fw_use *use, const struct fw_opt *opt,
		     const char *word)
{
	unsigned long long lo = opt->min, hi = fw_opt_max(opt);
	const char *colon = strchr(word, ':'), *near = word;
	bool reversed = false;
	uint64_t first, last;
	int r;

	if (fw_scan_u64(word, &first) == colon && colon && first >= lo && first <= hi) {
		near = colon + 1;
		reversed = !fw_parse_u64(near, lo, first, &last);
		lo = first;
	}
	r = reversed ? fw_opt_refuse(err, use, opt, word, "ends before it begins")
		     : fw_opt_out_of_range(err, use, opt, word);
	fw_err_words(err,
		     "%s: bad value for option \"--%s\" near \"%s\", or out of range (%llu-%llu).",
		     use->ext->name, opt->name, near, lo, hi);
	return r;
}

int fw_opt_refuse_mark(struct fw_err *err, const struct fw_use *use, const struct fw_opt *opt,
		       const char *word)
{
	int r = fw_opt_refuse(err, use, opt, word, "is not VALUE[/MASK] of 32 bits");

	fw_err_words(err, "%s: bad integer value for option \"--%s\", or out of range.",
		     use->ext->name, opt->name);
	return r;
}

/* The row that may not stand beside this one but does; NULL: none. */
static const struct fw_opt *conflict(const struct fw_use *use, const struct fw_opt *opt)
{
	const struct fw_opt *opts = use->ext->opts;
	unsigned int row = (unsigned int)(opt - opts);

	for (unsigned int i = 0; opts[i].name; i++)
		if (i != row && fw_use_has(use, i) &&
		    ((opt->excludes >> i | opts[i].excludes >> row) & 1))
			return &opts[i];
	return NULL;
}

int fw_opt_may_stand(const struct fw_use *use, const struct fw_opt *opt, bool inverted,
		     struct fw_err *err)
{
	unsigned int row = (unsigned int)(opt - use->ext->opts);
	const char *ext = use->ext->name;
	const struct fw_opt *other;
	int r;

	if (fw_use_has(use, row) && !(opt->flags & FW_OPT_MULTI)) {
		r = fw_fail(err, FW_ERR_USAGE, "%s: --%s is given twice", ext, opt->name);
		fw_err_words(err, "%s: option \"--%s\" can only be used once.", ext, opt->name);
		return r;
	}
	if (inverted && !(opt->flags & FW_OPT_NOT)) {
		r = fw_fail(err, FW_ERR_USAGE, "%s: --%s cannot be negated", ext, opt->name);
		fw_err_words(err, "%s: option \"--%s\" cannot be inverted.", ext, opt->name);
		return r;
	}
	other = conflict(use, opt);
	if (!other)
		return 0;
	r = fw_fail(err, FW_ERR_USAGE, "%s: --%s conflicts with --%s", ext, opt->name, other->name);
	fw_err_words(err, "%s: option \"--%s\" cannot be used together with \"--%s\".", ext,
		     (other < opt ? other : opt)->name, (other < opt ? opt : other)->name);
	return r;
}

int fw_use_may_mark(const struct fw_use *use, uint32_t mark, const struct fw_tx_env *env,
		    struct fw_err *err)
{
	int r;

	if (!(mark & env->mark_reserved))
		return 0;
	r = fw_fail(err, FW_ERR_UNSUPPORTED, "%s: 0x%x has bits that this daemon keeps for itself",
		    use->ext->name, mark);
	fw_err_hint(err, "use bits outside of 0x%x, or move the daemon's own with mark-shift",
		    env->mark_reserved);
	return r;
}
