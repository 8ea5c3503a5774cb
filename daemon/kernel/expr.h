/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft expressions and messages, as few as our table needs.  All append to a rule or a batch and
 * remember lack of memory there: one check at the end.
 */
#ifndef FWD_KERNEL_EXPR_H
#define FWD_KERNEL_EXPR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nftnl_expr;
struct nftnl_obj;
struct nftnl_rule;

#define FWD_NFT_BATCH 262144 /* bytes: a rule for each owner (FW_OWNER_CODES), and half as much */

struct fwd_nft_batch {
	char buf[FWD_NFT_BATCH];
	size_t len, empty_len;
	uint32_t *seq;
	bool failed; /* no memory, or no room */
};

void fwd_batch_begin(struct fwd_nft_batch *b, uint32_t *seq);
/* 0, or -errno; see fwd_nl_talk().  An empty batch is not sent. */
int fwd_batch_commit(struct fwd_nft_batch *b, int fd);

struct nlmsghdr;
/* A message's head in the batch (NULL: no room), and its end: for those who build one. */
struct nlmsghdr *fwd_batch_head(struct fwd_nft_batch *b, uint16_t type, uint16_t flags);
void fwd_batch_push(struct fwd_nft_batch *b, const struct nlmsghdr *nlh);

/* nl_flags: NLM_F_EXCL or 0 */
void fwd_batch_table(struct fwd_nft_batch *b, uint16_t type, uint16_t nl_flags, const char *table,
		     uint32_t flags);
/* type NULL: a regular chain */
void fwd_batch_chain(struct fwd_nft_batch *b, const char *table, const char *chain,
		     const char *type, int hook, int priority);
/* A map from marks to chains (id: any number, another for each set of a batch), and a row of it. */
void fwd_batch_map(struct fwd_nft_batch *b, const char *table, const char *map, uint32_t id);
void fwd_batch_row(struct fwd_nft_batch *b, const char *table, const char *map, uint32_t key,
		   const char *chain);
/* Delete a row; all rows. */
void fwd_batch_unrow(struct fwd_nft_batch *b, const char *table, const char *map, uint32_t key);
void fwd_batch_empty(struct fwd_nft_batch *b, const char *table, const char *map);
/* Delete all rules of a chain. */
void fwd_batch_flush(struct fwd_nft_batch *b, const char *table, const char *chain);
/* A named object (type: NFT_OBJECT_*), for those who fill one in; NULL: b->failed.  Add it and free
 * it (NULL is fine). */
struct nftnl_obj *fwd_object_new(struct fwd_nft_batch *b, const char *table, const char *name,
				 uint32_t type);
void fwd_batch_object(struct fwd_nft_batch *b, struct nftnl_obj *obj);
/* A counter that rules name; one that is there keeps its value. */
void fwd_batch_counter(struct fwd_nft_batch *b, const char *table, const char *name);
/* Add the rule and free it. */
void fwd_batch_rule(struct fwd_nft_batch *b, struct nftnl_rule *rule);

struct nftnl_rule *fwd_rule_new(struct fwd_nft_batch *b, const char *table, const char *chain);
/* An expression, empty yet; NULL: b->failed.  For those who fill one in. */
struct nftnl_expr *fwd_rule_add(struct fwd_nft_batch *b, struct nftnl_rule *r, const char *name);
/* `len` bytes of data into a register. */
void fwd_rule_load(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t reg, const void *data,
		   uint32_t len);
/* A fact beside the packet (NFT_META_*); bytes of it, from NFT_PAYLOAD_*_HEADER's beginning + offset
 * on: into a register. */
void fwd_rule_load_meta(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t reg, uint32_t key);
void fwd_rule_load_payload(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t reg,
			   uint32_t base, uint32_t offset, uint32_t len);

/* From here on: the one register that all of these use.  NFT_META_*. */
void fwd_rule_meta(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t key);
/* `len` bytes of the network header, from `offset` on */
void fwd_rule_network(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t offset, uint32_t len);
void fwd_rule_set_mark(struct fwd_nft_batch *b, struct nftnl_rule *r);
void fwd_rule_bitwise(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t mask, uint32_t xor);
/* The register's one byte, masked. */
void fwd_rule_bitwise8(struct fwd_nft_batch *b, struct nftnl_rule *r, uint8_t mask);
/* op: NFT_CMP_*; on the register that the above use, `len` bytes of value */
void fwd_rule_cmp(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t op, const void *value,
		  uint32_t len);
/* The register's 4 bytes from host to network order, so that they compare as numbers. */
void fwd_rule_hton(struct fwd_nft_batch *b, struct nftnl_rule *r);
/* Is it before that time (ns since 1970, by the kernel's clock)? */
void fwd_rule_before(struct fwd_nft_batch *b, struct nftnl_rule *r, uint64_t wall_ns);
/* Bytes of the transport header into the register; the rule has asked for the protocol before. */
void fwd_rule_transport(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t offset,
			uint32_t len);
/* verdict: NFT_JUMP or NFT_GOTO */
void fwd_rule_chain(struct fwd_nft_batch *b, struct nftnl_rule *r, int verdict, const char *chain);
void fwd_rule_queue_native(struct fwd_nft_batch *b, struct nftnl_rule *r, uint16_t num,
			   uint16_t total, bool bypass);
void fwd_rule_queue_compat(struct fwd_nft_batch *b, struct nftnl_rule *r, uint16_t num,
			   uint16_t total, bool bypass);
void fwd_rule_tproxy(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t nfproto);
void fwd_rule_ct_state(struct fwd_nft_batch *b, struct nftnl_rule *r);
/* key: NFT_CT_* that are no direction's own */
void fwd_rule_ct(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t key);
/* verdict: NF_ACCEPT or NFT_RETURN */
void fwd_rule_verdict(struct fwd_nft_batch *b, struct nftnl_rule *r, int verdict);
void fwd_rule_notrack(struct fwd_nft_batch *b, struct nftnl_rule *r);
/* Of the destination: NFT_FIB_RESULT_OIF (0: no way there, or it is ours) or _ADDRTYPE (RTN_*). */
void fwd_rule_fib(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t result);
/* Where the map says for the register that the above use. */
void fwd_rule_map(struct fwd_nft_batch *b, struct nftnl_rule *r, const char *map);

struct fw_assign;
/* A helper object of that name; a reference to an object (NFT_OBJECT_*). */
void fwd_batch_helper(struct fwd_nft_batch *b, const char *table, const char *name,
		      const struct fw_assign *a);
void fwd_rule_object(struct fwd_nft_batch *b, struct nftnl_rule *r, uint32_t type,
		     const char *name);
/* A timeout policy of the kernel's, read by name (cttimeout.c): 0, or -errno; an object of it. */
struct fwd_timeout {
	uint32_t len;
	uint8_t data[512]; /* attributes, as nfnetlink has them */
};
int fwd_timeout_get(const struct fw_assign *a, struct fwd_timeout *ret);
void fwd_batch_timeout(struct fwd_nft_batch *b, const char *table, const char *name,
		       const struct fw_assign *a, const struct fwd_timeout *t);
/* Set the connection's zone, its events. */
void fwd_rule_zone(struct fwd_nft_batch *b, struct nftnl_rule *r, const struct fw_assign *a);
void fwd_rule_events(struct fwd_nft_batch *b, struct nftnl_rule *r, const struct fw_assign *a);

struct fw_nat;
/* Translate so. */
void fwd_rule_nat(struct fwd_nft_batch *b, struct nftnl_rule *r, const struct fw_nat *nat);
/* The destination to where the map has for the register that the above use: two ports, in two words
 * (shift.c). */
void fwd_rule_nat_ports(struct fwd_nft_batch *b, struct nftnl_rule *r, const struct fw_nat *nat,
			const char *map);

#endif
