/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Protocols by name.  iptables knows some by itself and asks /etc/protocols for the rest; the
 * engine opens no files, so the assigned names that a Debian host has there stand here.
 */
#include <string.h>

#include "text/parse.h"

struct protocol {
	const char *name;
	uint8_t number;
};

/* In the order of iptables: the first name of a number is the one that it prints. */
static const struct protocol own[] = {
	{"tcp", 6}, {"sctp", 132}, {"udp", 17}, {"udplite", 136}, {"icmp", 1}, {"ipv6-icmp", 58},
	{"icmpv6", 58}, {"esp", 50}, {"ah", 51}, {"mobility-header", 135}, {"ipv6-mh", 135},
	{"mh", 135}, {"dccp", 33}, {"ipcomp", 108}, {"all", 0},
};

static const struct protocol assigned[] = {
	{"igmp", 2}, {"ggp", 3}, {"ipencap", 4}, {"st", 5}, {"egp", 8}, {"igp", 9}, {"pup", 12},
	{"hmp", 20}, {"xns-idp", 22}, {"rdp", 27}, {"iso-tp4", 29}, {"xtp", 36}, {"ddp", 37},
	{"idpr-cmtp", 38}, {"ipv6", 41}, {"ipv6-route", 43}, {"ipv6-frag", 44}, {"idrp", 45},
	{"rsvp", 46}, {"gre", 47}, {"skip", 57}, {"ipv6-nonxt", 59}, {"ipv6-opts", 60},
	{"rspf", 73}, {"vmtp", 81}, {"eigrp", 88}, {"ospf", 89}, {"ax.25", 93}, {"ipip", 94},
	{"etherip", 97}, {"encap", 98}, {"pim", 103}, {"vrrp", 112}, {"l2tp", 115},
	{"isis", 124}, {"fc", 133}, {"mpls-in-ip", 137}, {"manet", 138}, {"hip", 139},
	{"shim6", 140}, {"wesp", 141}, {"rohc", 142}, {"ethernet", 143},
};

static const struct protocol *by_name(const struct protocol *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].name, name))
			return &list[i];
	return NULL;
}

static const char *by_number(const struct protocol *list, size_t n, uint8_t number)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].number == number)
			return list[i].name;
	return NULL;
}

int fw_proto_by_name(const char *name)
{
	const struct protocol *p = by_name(own, FW_ARRAY_SIZE(own), name);

	if (!p)
		p = by_name(assigned, FW_ARRAY_SIZE(assigned), name);
	return p ? p->number : -1;
}

const char *fw_proto_own_name(uint8_t number)
{
	return by_number(own, FW_ARRAY_SIZE(own), number);
}

const char *fw_proto_name(uint8_t number)
{
	const char *name = fw_proto_own_name(number);

	return name ? name : by_number(assigned, FW_ARRAY_SIZE(assigned), number);
}
