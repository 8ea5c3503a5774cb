/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft messages and expressions through libnftnl.  Register 1 is the only one we use.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <stdlib.h>
#include <string.h>

#include "expr.h"
#include "kernel.h"

#define REG NFT_REG_1

/* Room for the next message, or NULL.  4 KiB is ten times our longest. */
static char *room(struct fwd_nft_batch *b)
{
	if (b->len + 4096 > sizeof(b->buf))
		b->failed = true;
	return b->failed ? NULL : b->buf + b->len;
}

void fwd_batch_push(struct fwd_nft_batch *b, const struct nlmsghdr *nlh)
{
	b->len += MNL_ALIGN(nlh->nlmsg_len);
}

void fwd_batch_begin(struct fwd_nft_batch *b, uint32_t *seq)
{
	b->len = 0;
	b->seq = seq;
	b->failed = false;
	fwd_batch_push(b, nftnl_batch_begin(room(b), ++*seq));
	b->empty_len = b->len;
}

int fwd_batch_commit(struct fwd_nft_batch *b, int fd)
{
	char *at = room(b);

	if (!at)
		return -ENOMEM;
	if (b->len == b->empty_len)
		return 0;
	fwd_batch_push(b, nftnl_batch_end(at, ++*b->seq));
	return fwd_nl_talk(fd, b->buf, b->len, NULL);
}

struct nlmsghdr *fwd_batch_head(struct fwd_nft_batch *b, uint16_t type, uint16_t flags)
{
	char *at = room(b);

	return at ? nftnl_nlmsg_build_hdr(at, type, NFPROTO_INET, flags | NLM_F_ACK, ++*b->seq)
		  : NULL;
}

void fwd_batch_table(struct fwd_nft_batch *b, uint16_t type, uint16_t nl_flags, const char *table,
		     uint32_t flags)
{
	const uint16_t create = type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0;
	struct nlmsghdr *nlh = fwd_batch_head(b, type, create | nl_flags);
	struct nftnl_table *t = nftnl_table_alloc();

	b->failed |= !t;
	if (!b->failed) {
		nftnl_table_set_str(t, NFTNL_TABLE_NAME, table);
		if (type == NFT_MSG_NEWTABLE)
			nftnl_table_set_u32(t, NFTNL_TABLE_FLAGS, flags);
		nftnl_table_nlmsg_build_payload(nlh, t);
		fwd_batch_push(b, nlh);
	}
	if (t)
		nftnl_table_free(t);
}

void fwd_batch_chain(struct fwd_nft_batch *b, const char *table, const char *chain,
		     const char *type, int hook, int priority)
{
	struct nlmsghdr *nlh = fwd_batch_head(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	struct nftnl_chain *c = nftnl_chain_alloc();

	b->failed |= !c;
	if (!b->failed) {
		nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, table);
		nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, chain);
		if (type) {
			nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, (uint32_t)hook);
			nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, priority);
			nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, type);
			nftnl_chain_set_u32(c, NFTNL_CHAIN_POLICY, NF_ACCEPT);
		}
		nftnl_chain_nlmsg_build_payload(nlh, c);
		fwd_batch_push(b, nlh);
	}
	if (c)
		nftnl_chain_free(c);
}

struct nftnl_obj *fwd_object_new(struct fwd_nft_batch *b, const char *table, const char *name,
				 uint32_t type)
{
	struct nftnl_obj *o = nftnl_obj_alloc();

	b->failed |= !o;
	if (o) {
		nftnl_obj_set_str(o, NFTNL_OBJ_TABLE, table);
		nftnl_obj_set_str(o, NFTNL_OBJ_NAME, name);
		nftnl_obj_set_u32(o, NFTNL_OBJ_TYPE, type);
	}
	return o;
}

void fwd_batch_object(struct fwd_nft_batch *b, struct nftnl_obj *o)
{
	struct nlmsghdr *nlh = o ? fwd_batch_head(b, NFT_MSG_NEWOBJ, NLM_F_CREATE) : NULL;

	if (nlh) {
		nftnl_obj_nlmsg_build_payload(nlh, o);
		fwd_batch_push(b, nlh);
	}
	if (o)
		nftnl_obj_free(o);
}

void fwd_batch_counter(struct fwd_nft_batch *b, const char *table, const char *name)
{
	fwd_batch_object(b, fwd_object_new(b, table, name, NFT_OBJECT_COUNTER));
}

struct nftnl_rule *fwd_rule_new(struct fwd_nft_batch *b, const char *table, const char *chain)
{
	struct nftnl_rule *r = nftnl_rule_alloc();

	b->failed |= !r;
	if (r) {
		nftnl_rule_set_u32(r, NFTNL_RULE_FAMILY, NFPROTO_INET);
		nftnl_rule_set_str(r, NFTNL_RULE_TABLE, table);
		nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, chain);
	}
	return r;
}

static void send_rule(struct fwd_nft_batch *b, struct nftnl_rule *r, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = fwd_batch_head(b, type, flags);

	if (r && !b->failed) {
		nftnl_rule_nlmsg_build_payload(nlh, r);
		fwd_batch_push(b, nlh);
	}
	if (r)
		nftnl_rule_free(r);
}

void fwd_batch_rule(struct fwd_nft_batch *b, struct nftnl_rule *rule)
{
	send_rule(b, rule, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
}

void fwd_batch_flush(struct fwd_nft_batch *b, const char *table, const char *chain)
{
	send_rule(b, fwd_rule_new(b, table, chain), NFT_MSG_DELRULE, 0);
}

/* A new expression, already part of the rule; NULL marks the batch as failed. */
struct nftnl_expr *fwd_rule_add(struct fwd_nft_batch *b, struct nftnl_rule *r, const char *name)
{
	struct nftnl_expr *e = r ? nftnl_expr_alloc(name) : NULL;

	b->failed |= !e;
	if (e)
		nftnl_rule_add_expr(r, e);
	return e;
}

void fwd_rule_load_meta(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t reg, uint32_t key)
{
	struct nftnl_expr *e = fwd_rule_add(b, r, "meta");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, reg);
}

void fwd_rule_meta(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t key)
{
	fwd_rule_load_meta(b, r, REG, key);
}

void fwd_rule_load_payload(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t reg,
			   uint32_t base, uint32_t offset, uint32_t len)
{
	struct nftnl_expr *e = fwd_rule_add(b, r, "payload");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, len);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, reg);
}

void fwd_rule_network(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t offset, uint32_t len)
{
	fwd_rule_load_payload(b, r, REG, NFT_PAYLOAD_NETWORK_HEADER, offset, len);
}

void fwd_rule_transport(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t offset,
			uint32_t len)
{
	fwd_rule_load_payload(b, r, REG, NFT_PAYLOAD_TRANSPORT_HEADER, offset, len);
}

static void hton(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t len)
{
	struct nftnl_expr *e = fwd_rule_add(b, r, "byteorder");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_SREG, REG);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_DREG, REG);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_LEN, len);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BYTEORDER_SIZE, len);
}

void fwd_rule_hton(struct fwd_nft_batch *b, struct nftnl_rule *r)
{
	hton(b, r, sizeof(uint32_t));
}

void fwd_rule_before(struct fwd_nft_batch *b, struct nftnl_rule *r, uint64_t wall_ns)
{
	const uint64_t be = htobe64(wall_ns);

	fwd_rule_meta(b, r, NFT_META_TIME_NS);
	hton(b, r, sizeof(be));
	fwd_rule_cmp(b, r, NFT_CMP_LT, &be, sizeof(be));
}

void fwd_rule_set_mark(struct fwd_nft_batch *b, struct nftnl_rule *r)
{
	struct nftnl_expr *e = fwd_rule_add(b, r, "meta");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, NFT_META_MARK);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_SREG, REG);
}

static void bitwise(struct fwd_nft_batch *b, struct nftnl_rule *r, const void *mask,
		    const void *xor, uint32_t len)
{
	struct nftnl_expr *e = fwd_rule_add(b, r, "bitwise");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, REG);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, REG);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
	nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, mask, len);
	nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, xor, len);
}

void fwd_rule_bitwise(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t mask, uint32_t xor)
{
	bitwise(b, r, &mask, &xor, sizeof(mask));
}

void fwd_rule_bitwise8(struct fwd_nft_batch *b, struct nftnl_rule *r, uint8_t mask)
{
	const uint8_t none = 0;

	bitwise(b, r, &mask, &none, sizeof(mask));
}

void fwd_rule_cmp(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t op, const void *value,
		  uint32_t len)
{
	struct nftnl_expr *e = fwd_rule_add(b, r, "cmp");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, REG);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, value, len);
}

void fwd_rule_load(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t reg, const void *data,
		   uint32_t len)
{
	struct nftnl_expr *e = fwd_rule_add(b, r, "immediate");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, reg);
	nftnl_expr_set(e, NFTNL_EXPR_IMM_DATA, data, len);
}

void fwd_rule_chain(struct fwd_nft_batch *b, struct nftnl_rule *r, int verdict, const char *chain)
{
	struct nftnl_expr *e = fwd_rule_add(b, r, "immediate");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, (uint32_t)verdict);
	nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, chain);
}

void fwd_rule_queue_native(struct fwd_nft_batch *b, struct nftnl_rule *r, uint16_t num,
			   uint16_t total, bool bypass)
{
	struct nftnl_expr *e = fwd_rule_add(b, r, "queue");

	if (!e)
		return;
	nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_NUM, num);
	nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_TOTAL, total);
	nftnl_expr_set_u16(e, NFTNL_EXPR_QUEUE_FLAGS, bypass ? NFT_QUEUE_FLAG_BYPASS : 0);
}

/* The xtables target of the same meaning, for kernels without CONFIG_NFT_QUEUE. */
void fwd_rule_queue_compat(struct fwd_nft_batch *b, struct nftnl_rule *r, uint16_t num,
			   uint16_t total, bool bypass)
{
	const uint32_t size = 8; /* XT_ALIGN(sizeof(*info)): what the kernel wants */
	struct nftnl_expr *e = fwd_rule_add(b, r, "target");
	struct xt_NFQ_info_v3 *info = calloc(1, size); /* libnftnl takes it over */

	b->failed |= !info;
	if (!e || !info) {
		free(info);
		return;
	}
	info->queuenum = num;
	info->queues_total = total;
	info->flags = bypass ? NFQ_FLAG_BYPASS : 0;
	nftnl_expr_set_str(e, NFTNL_EXPR_TG_NAME, "NFQUEUE");
	nftnl_expr_set_u32(e, NFTNL_EXPR_TG_REV, 3);
	nftnl_expr_set(e, NFTNL_EXPR_TG_INFO, info, size);
}

void fwd_rule_tproxy(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t nfproto)
{
	const uint16_t port_be = htons(1);
	struct nftnl_expr *e;

	fwd_rule_load(b, r, REG, &port_be, sizeof(port_be));
	e = fwd_rule_add(b, r, "tproxy");
	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_TPROXY_FAMILY, nfproto);
	nftnl_expr_set_u32(e, NFTNL_EXPR_TPROXY_REG_PORT, REG);
}

void fwd_rule_ct(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t key)
{
	struct nftnl_expr *e = fwd_rule_add(b, r, "ct");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, REG);
}

void fwd_rule_ct_state(struct fwd_nft_batch *b, struct nftnl_rule *r)
{
	fwd_rule_ct(b, r, NFT_CT_STATE);
}

void fwd_rule_verdict(struct fwd_nft_batch *b, struct nftnl_rule *r, int verdict)
{
	struct nftnl_expr *e = fwd_rule_add(b, r, "immediate");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, (uint32_t)verdict);
}

void fwd_rule_notrack(struct fwd_nft_batch *b, struct nftnl_rule *r)
{
	fwd_rule_add(b, r, "notrack");
}

void fwd_rule_fib(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t result)
{
	struct nftnl_expr *e = fwd_rule_add(b, r, "fib");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_RESULT, result);
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_FLAGS,
			   NFTA_FIB_F_DADDR | (result == NFT_FIB_RESULT_OIF ? NFTA_FIB_F_MARK : 0));
	nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_DREG, REG);
}
