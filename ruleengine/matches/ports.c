/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports as `iptables -L` prints them ("spt:22", "dpts:!1:1023", "dpt:ssh"), and as the classifier
 * sees them. */
#include "matches/ports.h"

#include "matches/fields.h"

bool ports_fields(const struct fw_use *use, enum fw_family family, struct fw_fields *f)
{
	const struct ports *p = use->data;

	if (fw_use_has(use, ROW_SPORT))
		fields_range(f, FW_FIELD_SPORT, p->spt[0], p->spt[1], UINT16_MAX,
			     fw_use_inv(use, ROW_SPORT));
	if (fw_use_has(use, ROW_DPORT))
		fields_range(f, FW_FIELD_DPORT, p->dpt[0], p->dpt[1], UINT16_MAX,
			     fw_use_inv(use, ROW_DPORT));
	return true;
}

static void print_port(uint16_t port, uint8_t proto, bool numeric, struct fw_buf *out)
{
	const char *name = numeric ? NULL : fw_service_name(port, proto);

	if (name)
		fw_buf_str(out, name);
	else
		fw_buf_u64(out, port);
}

void ports_list_one(const char *name, uint16_t lo, uint16_t hi, bool inverted, uint8_t proto,
		    bool numeric, struct fw_buf *out)
{
	fw_buf_fmt(out, " %s%s:%s", name, lo == hi ? "" : "s", inverted ? "!" : "");
	print_port(lo, proto, numeric, out);
	if (lo == hi)
		return;
	fw_buf_char(out, ':');
	print_port(hi, proto, numeric, out);
}

/* sctp and dccp keep a range of all ports, but do not show it. */
static bool shown(const struct fw_use *use, unsigned int row, const uint16_t *range)
{
	return fw_use_has(use, row) && (range[0] || range[1] != UINT16_MAX || fw_use_inv(use, row));
}

void ports_list(const struct fw_use *use, uint8_t proto, bool numeric, struct fw_buf *out)
{
	const struct ports *p = use->data;

	fw_buf_char(out, ' ');
	fw_buf_str(out, use->ext->name);
	if (shown(use, ROW_SPORT, p->spt))
		ports_list_one("spt", p->spt[0], p->spt[1], fw_use_inv(use, ROW_SPORT), proto,
			       numeric, out);
	if (shown(use, ROW_DPORT, p->dpt))
		ports_list_one("dpt", p->dpt[0], p->dpt[1], fw_use_inv(use, ROW_DPORT), proto,
			       numeric, out);
}
