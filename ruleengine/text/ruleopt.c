/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The generic options of a rule: -s -d -p -i -o -f -m -j -g. */
#include <errno.h>
#include <string.h>

#include "text/options.h"
#include "text/parse.h"

int fw_parse_note(struct fw_parser *p, unsigned int opt, char letter, uint8_t inv)
{
	if (p->options & opt)
		return fw_parse_bad(p, p->opt_place, "multiple -%c flags not allowed", letter);
	p->options |= opt;
	if (!p->invert)
		return 0;
	if (!inv)
		return fw_parse_bad(p, p->opt_place, "cannot have ! before -%c", letter);
	p->gen.inv |= inv;
	return 0;
}

static int on_proto(struct fw_parser *p)
{
	char name[32];
	uint64_t number;
	size_t i = 0;
	int found;

	for (; p->arg[i] && i < sizeof(name) - 1; i++)
		name[i] = (char)(p->arg[i] >= 'A' && p->arg[i] <= 'Z' ? p->arg[i] | 32 : p->arg[i]);
	name[i] = '\0';
	p->proto_word = p->arg;
	p->proto_place = p->arg_place;
	if (!p->arg[i] && fw_text_uint(name, 255, &number) == 0) {
		p->gen.proto = (uint8_t)number;
	} else {
		found = p->arg[i] ? -1 : fw_proto_by_name(name);
		if (found < 0 && p->resolver && p->resolver->protocol &&
		    p->resolver->protocol(p->resolver->priv, name, &p->gen.proto) == 0)
			found = p->gen.proto;
		if (found < 0) {
			fw_parse_bad(p, p->arg_place, "unknown protocol \"%s\" specified", name);
			fw_err_hint(p->err,
				    "a protocol is a number from 0 to 255 or a name such as tcp, "
				    "udp, icmp");
			if (!p->resolver && p->err) /* /etc/protocols may know it */
				p->err->code = FW_ERR_NAME;
			return -EINVAL;
		}
		p->gen.proto = (uint8_t)found;
		p->proto_word = fw_proto_name(p->gen.proto); /* in lower case, and known to -m */
	}
	if (!p->gen.proto && p->gen.inv & FW_INV_PROTO)
		return fw_parse_bad(p, p->arg_place, "rule would never match protocol");
	return 0;
}

static int on_iface(struct fw_parser *p, char name[FW_IFNAMSIZ], uint8_t *cmp)
{
	size_t len = strlen(p->arg);

	if (!len)
		return fw_parse_bad(p, p->arg_place, "Empty interface is likely to be undesired");
	if (len >= FW_IFNAMSIZ)
		return fw_parse_bad(p, p->arg_place,
				    "interface name `%s' must be shorter than IFNAMSIZ (%d)",
				    p->arg, FW_IFNAMSIZ - 1);
	if (strpbrk(p->arg, FW_NOT_IN_NAMES)) {
		fw_parse_bad(p, p->arg_place, "interface name `%s' is not possible", p->arg);
		fw_err_hint(p->err, "the kernel allows no blanks in it, and no quotes fit into a rules file");
		return -EINVAL;
	}
	memcpy(name, p->arg, len);
	*cmp = (uint8_t)(p->arg[len - 1] == '+' ? len - 1 : len + 1);
	return 0;
}

static int on_jump(struct fw_parser *p, bool is_goto)
{
	static const struct {
		const char *name;
		enum fw_verdict verdict;
	} words[] = {{"ACCEPT", FW_ACCEPT}, {"DROP", FW_DROP}, {"RETURN", FW_RETURN}};
	const char *name = p->arg;

	p->places->target = p->arg_place;
	if (!*name)
		return fw_parse_bad(p, p->arg_place, "Invalid target name (too short)");
	if (strlen(name) > FW_CHAIN_MAX)
		return fw_parse_bad(p, p->arg_place, "Invalid target name `%s' (%u chars max)",
				    name, FW_CHAIN_MAX);
	if (strpbrk(name, FW_NOT_IN_NAMES))
		return fw_parse_bad(p, p->arg_place, "Invalid target name `%s'", name);
	for (size_t i = 0; !is_goto && i < FW_ARRAY_SIZE(words); i++)
		if (!strcmp(name, words[i].name)) {
			p->verdict = words[i].verdict;
			return 0;
		}
	if (!is_goto && fw_ext_find(name, true, p->family))
		return fw_parse_load(p, name, true, p->arg_place);
	if (!is_goto && fw_ext_unsupported(name, true)) /* a chain cannot have that name */
		return fw_parse_load(p, name, true, p->arg_place);
	p->verdict = is_goto ? FW_GOTO : FW_JUMP;
	memcpy(p->cmd->target, name, strlen(name) + 1);
	return 0;
}

int fw_parse_rule_option(struct fw_parser *p, char letter)
{
	int r;

	switch (letter) {
	case 's':
		p->src_word = p->arg;
		p->src_place = p->arg_place;
		return fw_parse_note(p, OPT_SOURCE, letter, FW_INV_SRC);
	case 'd':
		p->dst_word = p->arg;
		p->dst_place = p->arg_place;
		return fw_parse_note(p, OPT_DESTINATION, letter, FW_INV_DST);
	case 'p':
		r = fw_parse_note(p, OPT_PROTOCOL, letter, FW_INV_PROTO);
		return r < 0 ? r : on_proto(p);
	case 'i':
		p->in_place = p->opt_place;
		r = fw_parse_note(p, OPT_IN, letter, FW_INV_IN);
		return r < 0 ? r : on_iface(p, p->gen.in, &p->gen.in_cmp);
	case 'o':
		p->out_place = p->opt_place;
		r = fw_parse_note(p, OPT_OUT, letter, FW_INV_OUT);
		return r < 0 ? r : on_iface(p, p->gen.out, &p->gen.out_cmp);
	case 'f':
		if (p->family == FW_IP6)
			return fw_parse_bad(p, p->opt_place,
					    "`-f' is not supported in IPv6, use -m frag instead");
		p->gen.frag = true;
		return fw_parse_note(p, OPT_FRAGMENT, letter, FW_INV_FRAG);
	case 'm':
		if (p->invert)
			return fw_parse_bad(p, p->opt_place, "unexpected ! flag before --match");
		return fw_parse_load(p, p->arg, false, p->arg_place);
	default: /* j, g */
		r = fw_parse_note(p, OPT_JUMP, 'j', 0);
		return r < 0 ? r : on_jump(p, letter == 'g');
	}
}
