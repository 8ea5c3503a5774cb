/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nft objects and expressions that tell the kernel's tracker about a connection that begins. */
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>

#include "expr.h"
#include "fw/assign.h"
#include "kernel.h"

#define REG NFT_REG_1

void fwd_batch_helper(struct fwd_nft_batch *b, const char *table, const char *name,
		      const struct fw_assign *a)
{
	struct nftnl_obj *o = fwd_object_new(b, table, name, NFT_OBJECT_CT_HELPER);

	if (o) {
		nftnl_obj_set_str(o, NFTNL_OBJ_CT_HELPER_NAME, a->helper);
		nftnl_obj_set_u16(o, NFTNL_OBJ_CT_HELPER_L3PROTO,
				  a->family == FW_IP4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
		nftnl_obj_set_u8(o, NFTNL_OBJ_CT_HELPER_L4PROTO, a->proto);
	}
	fwd_batch_object(b, o);
}

void fwd_rule_object(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t type,
		     const char *name)
{
	struct nftnl_expr *e = fwd_rule_add(b, r, "objref");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_OBJREF_IMM_TYPE, type);
	nftnl_expr_set_str(e, NFTNL_EXPR_OBJREF_IMM_NAME, name);
}

static struct nftnl_expr *set(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t key)
{
	struct nftnl_expr *e = fwd_rule_add(b, r, "ct");

	if (!e)
		return NULL;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_SREG, REG);
	return e;
}

void fwd_rule_zone(struct fwd_nft_batch *b, struct nftnl_rule *r, const struct fw_assign *a)
{
	struct nftnl_expr *e;

	if (a->zone_mark)
		fwd_rule_meta(b, r, NFT_META_MARK); /* of which the zone is the low half */
	else
		fwd_rule_load(b, r, REG, &a->zone, sizeof(a->zone));
	e = set(b, r, NFT_CT_ZONE);
	if (e && a->zone_of != FW_ZONE_BOTH)
		nftnl_expr_set_u8(e, NFTNL_EXPR_CT_DIR,
				  a->zone_of == FW_ZONE_ORIG ? IP_CT_DIR_ORIGINAL
							     : IP_CT_DIR_REPLY);
}

void fwd_rule_events(struct fwd_nft_batch *b, struct nftnl_rule *r, const struct fw_assign *a)
{
	fwd_rule_load(b, r, REG, &a->events, sizeof(a->events));
	set(b, r, NFT_CT_EVENTMASK);
}
