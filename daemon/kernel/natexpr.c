/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nft expressions of translation: maps from our codes to chains, and what stands in those. */
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "expr.h"
#include "fw/nat.h"
#include "kernel.h"

#define TYPE_MARK    19 /* for nft(8): how to print the keys */
#define TYPE_VERDICT NFT_DATA_VERDICT

/* The ports stand in two words of one register, as a map has them. */
enum { REG_KEY = NFT_REG_1, REG_MIN = NFT_REG_1, REG_MAX, REG_PORTS };
enum { REG_PORT = NFT_REG32_08, REG_LAST_PORT };

void fwd_batch_map(struct fwd_nft_batch *b, const char *table, const char *map, uint32_t id)
{
	struct nlmsghdr *nlh = fwd_batch_head(b, NFT_MSG_NEWSET, NLM_F_CREATE);
	struct nftnl_set *s = nftnl_set_alloc();

	b->failed |= !s;
	if (!b->failed) {
		nftnl_set_set_str(s, NFTNL_SET_TABLE, table);
		nftnl_set_set_str(s, NFTNL_SET_NAME, map);
		nftnl_set_set_u32(s, NFTNL_SET_ID, id);
		nftnl_set_set_u32(s, NFTNL_SET_FLAGS, NFT_SET_MAP);
		nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, TYPE_MARK);
		nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, sizeof(uint32_t));
		nftnl_set_set_u32(s, NFTNL_SET_DATA_TYPE, TYPE_VERDICT);
		nftnl_set_nlmsg_build_payload(nlh, s);
		fwd_batch_push(b, nlh);
	}
	if (s)
		nftnl_set_free(s);
}

void fwd_batch_row(struct fwd_nft_batch *b, const char *table, const char *map, uint32_t key,
		   const char *chain)
{
	struct nlmsghdr *nlh = fwd_batch_head(b, NFT_MSG_NEWSETELEM, NLM_F_CREATE);
	struct nftnl_set *s = nftnl_set_alloc();
	struct nftnl_set_elem *e = nftnl_set_elem_alloc();

	b->failed |= !s || !e;
	if (!b->failed) {
		nftnl_set_set_str(s, NFTNL_SET_TABLE, table);
		nftnl_set_set_str(s, NFTNL_SET_NAME, map);
		nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, &key, sizeof(key));
		nftnl_set_elem_set_u32(e, NFTNL_SET_ELEM_VERDICT, (uint32_t)NFT_GOTO);
		nftnl_set_elem_set_str(e, NFTNL_SET_ELEM_CHAIN, chain);
		nftnl_set_elem_add(s, e);
		e = NULL;
		nftnl_set_elems_nlmsg_build_payload(nlh, s);
		fwd_batch_push(b, nlh);
	}
	if (e)
		nftnl_set_elem_free(e);
	if (s)
		nftnl_set_free(s);
}

void fwd_batch_unrow(struct fwd_nft_batch *b, const char *table, const char *map, uint32_t key)
{
	struct nlmsghdr *nlh = fwd_batch_head(b, NFT_MSG_DELSETELEM, 0);
	struct nlattr *list, *element, *nest;

	if (!nlh)
		return;
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, map);
	list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	element = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	nest = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_KEY);
	mnl_attr_put(nlh, NFTA_DATA_VALUE, sizeof(key), &key);
	mnl_attr_nest_end(nlh, nest);
	mnl_attr_nest_end(nlh, element);
	mnl_attr_nest_end(nlh, list);
	fwd_batch_push(b, nlh);
}

void fwd_batch_empty(struct fwd_nft_batch *b, const char *table, const char *map)
{
	struct nlmsghdr *nlh = fwd_batch_head(b, NFT_MSG_DELSETELEM, 0);

	if (!nlh)
		return;
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, table);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, map);
	fwd_batch_push(b, nlh);
}

static void look_up(struct fwd_nft_batch *b, struct nftnl_rule *r, const char *map, uint32_t dreg)
{
	struct nftnl_expr *e = fwd_rule_add(b, r, "lookup");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, REG_KEY);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, dreg);
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, map);
}

void fwd_rule_map(struct fwd_nft_batch *b, struct nftnl_rule *r, const char *map)
{
	look_up(b, r, map, NFT_REG_VERDICT);
}

static void load_ports(struct fwd_nft_batch *b, struct nftnl_rule *r, const struct fw_nat *nat)
{
	const uint16_t first = htons(nat->min_port), last = htons(nat->max_port);

	if (!(nat->flags & FW_NAT_PORT))
		return;
	fwd_rule_load(b, r, REG_PORT, &first, sizeof(first));
	fwd_rule_load(b, r, REG_LAST_PORT, &last, sizeof(last));
}

/* Ports are loaded. */
static void add_nat(struct fwd_nft_batch *b, struct nftnl_rule *r, const struct fw_nat *nat,
		    uint32_t flags)
{
	const uint32_t len = nat->family == FW_IP4 ? 4 : 16;
	struct nftnl_expr *e;

	if (nat->flags & FW_NAT_ADDR) {
		fwd_rule_load(b, r, REG_MIN, &nat->min_addr, len);
		fwd_rule_load(b, r, REG_MAX, &nat->max_addr, len);
	}
	e = fwd_rule_add(b, r, "nat");
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_TYPE,
			   nat->kind == FW_NAT_DST ? NFT_NAT_DNAT : NFT_NAT_SNAT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FAMILY,
			   nat->family == FW_IP4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
	if (nat->flags & FW_NAT_ADDR) {
		nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, REG_MIN);
		nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MAX, REG_MAX);
	}
	if (nat->flags & FW_NAT_PORT) {
		nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MIN, REG_PORT);
		nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MAX, REG_LAST_PORT);
	}
	nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FLAGS, flags);
}

void fwd_rule_nat_ports(struct fwd_nft_batch *b, struct nftnl_rule *r, const struct fw_nat *nat,
			const char *map)
{
	look_up(b, r, map, REG_PORTS);
	/* a shift is no more random for being told so */
	add_nat(b, r, nat,
		nat->flags & ~(uint32_t)(FW_NAT_OFFSET | FW_NAT_RANDOM | FW_NAT_RANDOM_FULLY));
}

/* The two whose address is the kernel's to find. */
static void add_own(struct fwd_nft_batch *b, struct nftnl_rule *r, const struct fw_nat *nat)
{
	const bool masq = nat->kind == FW_NAT_MASQUERADE;
	struct nftnl_expr *e;

	load_ports(b, r, nat);
	e = fwd_rule_add(b, r, masq ? "masq" : "redir");
	if (!e)
		return;
	if (nat->flags & FW_NAT_PORT) {
		nftnl_expr_set_u32(
			e, masq ? NFTNL_EXPR_MASQ_REG_PROTO_MIN : NFTNL_EXPR_REDIR_REG_PROTO_MIN,
			REG_PORT);
		nftnl_expr_set_u32(
			e, masq ? NFTNL_EXPR_MASQ_REG_PROTO_MAX : NFTNL_EXPR_REDIR_REG_PROTO_MAX,
			REG_LAST_PORT);
	}
	nftnl_expr_set_u32(e, masq ? NFTNL_EXPR_MASQ_FLAGS : NFTNL_EXPR_REDIR_FLAGS, nat->flags);
}

void fwd_rule_nat(struct fwd_nft_batch *b, struct nftnl_rule *r, const struct fw_nat *nat)
{
	if (nat->kind == FW_NAT_DST || nat->kind == FW_NAT_SRC) {
		load_ports(b, r, nat);
		add_nat(b, r, nat, nat->flags);
	} else {
		add_own(b, r, nat);
	}
}
