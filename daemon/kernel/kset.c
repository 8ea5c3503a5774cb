/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counted sets (kset.h).  Made with their size, they are plain hash tables in the kernel: never
 * resized, so that a reading sees every element once.
 */
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <linux/membarrier.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "kset.h"

#define TYPE_INTEGER 4  /* for nft(8): how to print the keys */
#define PER_MESSAGE  24 /* elements: their bytes are half of what a message may have */
#define READ_SIZE    32768 /* the kernel fills what we offer, up to this */

/* ---- batches ------------------------------------------------------------------------------- */

void fwd_kset_make(struct fwd_nft_batch *b, const struct fwd_kset *set)
{
	struct nlmsghdr *nlh = fwd_batch_head(b, NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_EXCL);
	struct nftnl_set *s = nftnl_set_alloc();

	b->failed |= !s;
	if (!b->failed) {
		nftnl_set_set_str(s, NFTNL_SET_TABLE, FWD_TABLE);
		nftnl_set_set_str(s, NFTNL_SET_NAME, set->name);
		nftnl_set_set_u32(s, NFTNL_SET_ID, *b->seq); /* another for each of a batch */
		nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, TYPE_INTEGER);
		nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, set->words * 4);
		nftnl_set_set_u32(s, NFTNL_SET_DESC_SIZE, set->size);
		nftnl_set_nlmsg_build_payload(nlh, s);
		fwd_batch_push(b, nlh);
	}
	if (s)
		nftnl_set_free(s);
}

static void put_names(struct nlmsghdr *nlh, const struct fwd_kset *set)
{
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, FWD_TABLE);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set->name);
}

/* By hand: libnftnl would allocate several objects for each. */
static void put_element(struct nlmsghdr *nlh, const uint32_t *key, uint32_t words)
{
	struct nlattr *element = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM), *nest;

	nest = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_KEY);
	mnl_attr_put(nlh, NFTA_DATA_VALUE, words * 4, key);
	mnl_attr_nest_end(nlh, nest);
	nest = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_EXPR);
	mnl_attr_put_strz(nlh, NFTA_EXPR_NAME, "counter");
	mnl_attr_nest_end(nlh, mnl_attr_nest_start(nlh, NFTA_EXPR_DATA));
	mnl_attr_nest_end(nlh, nest);
	mnl_attr_nest_end(nlh, element);
}

void fwd_kset_add(struct fwd_nft_batch *b, const struct fwd_kset *set, const uint32_t *keys,
		  size_t n)
{
	while (n) {
		struct nlmsghdr *nlh =
			fwd_batch_head(b, NFT_MSG_NEWSETELEM, NLM_F_CREATE | NLM_F_EXCL);
		const size_t now = n < PER_MESSAGE ? n : PER_MESSAGE;
		struct nlattr *list;

		if (!nlh)
			return;
		put_names(nlh, set);
		list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
		for (size_t i = 0; i < now; i++)
			put_element(nlh, keys + i * set->words, set->words);
		mnl_attr_nest_end(nlh, list);
		fwd_batch_push(b, nlh);
		keys += now * set->words;
		n -= now;
	}
}

static void delete_named(struct fwd_nft_batch *b, const char *name)
{
	struct nlmsghdr *nlh = fwd_batch_head(b, NFT_MSG_DELSET, 0);

	if (!nlh)
		return;
	mnl_attr_put_strz(nlh, NFTA_SET_TABLE, FWD_TABLE);
	mnl_attr_put_strz(nlh, NFTA_SET_NAME, name);
	fwd_batch_push(b, nlh);
}

void fwd_kset_delete(struct fwd_nft_batch *b, const struct fwd_kset *set)
{
	delete_named(b, set->name);
}

/* ---- rules --------------------------------------------------------------------------------- */

void fwd_load_meta(struct fwd_nft_batch *b, struct nftnl_rule *r, unsigned int word, uint32_t key)
{
	fwd_rule_load_meta(b, r, NFT_REG32_00 + word, key);
}

void fwd_load_network(struct fwd_nft_batch *b, struct nftnl_rule *r, unsigned int word,
		      uint32_t offset, uint32_t len)
{
	fwd_rule_load_payload(b, r, NFT_REG32_00 + word, NFT_PAYLOAD_NETWORK_HEADER, offset, len);
}

void fwd_load_transport(struct fwd_nft_batch *b, struct nftnl_rule *r, unsigned int word,
			uint32_t offset, uint32_t len)
{
	fwd_rule_load_payload(b, r, NFT_REG32_00 + word, NFT_PAYLOAD_TRANSPORT_HEADER, offset, len);
}

void fwd_load_word(struct fwd_nft_batch *b, struct nftnl_rule *r, unsigned int word, uint32_t value)
{
	fwd_rule_load(b, r, NFT_REG32_00 + word, &value, sizeof(value));
}

void fwd_rule_in(struct fwd_nft_batch *b, struct nftnl_rule *r, const struct fwd_kset *set)
{
	struct nftnl_expr *e = fwd_rule_add(b, r, "lookup");

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, set->name);
}

/* ---- reading ------------------------------------------------------------------------------- */

/* The attribute of that type in a row of them, or NULL. */
static const struct nlattr *find(const void *data, size_t len, uint16_t type)
{
	const struct nlattr *nla = data;

	while (len >= sizeof(*nla) && nla->nla_len >= sizeof(*nla) && nla->nla_len <= len) {
		const size_t step = NLA_ALIGN(nla->nla_len);

		if ((nla->nla_type & NLA_TYPE_MASK) == type)
			return nla;
		if (step > len)
			break;
		nla = (const void *)((const char *)nla + step);
		len -= step;
	}
	return NULL;
}

static const struct nlattr *inside(const struct nlattr *nla, uint16_t type)
{
	return nla ? find(nla + 1, nla->nla_len - sizeof(*nla), type) : NULL;
}

static uint64_t read_u64(const struct nlattr *nla)
{
	uint64_t be = 0;

	if (nla && nla->nla_len >= sizeof(*nla) + sizeof(be))
		memcpy(&be, nla + 1, sizeof(be));
	return be64toh(be);
}

struct reading {
	const struct fwd_kset *set;
	fwd_kset_fn *fn;
	void *priv;
};

static void take_element(const struct reading *reading, const struct nlattr *element)
{
	const struct nlattr *key = inside(inside(element, NFTA_SET_ELEM_KEY), NFTA_DATA_VALUE);
	const struct nlattr *data = inside(inside(element, NFTA_SET_ELEM_EXPR), NFTA_EXPR_DATA);
	const struct fw_counters counters = {.packets = read_u64(inside(data, NFTA_COUNTER_PACKETS)),
					     .bytes = read_u64(inside(data, NFTA_COUNTER_BYTES))};
	const size_t len = reading->set->words * 4;
	uint32_t words[FWD_KSET_WORDS];

	if (!key || !data || key->nla_len != sizeof(*key) + len)
		return;
	memcpy(words, key + 1, len);
	reading->fn(reading->priv, words, &counters);
}

static int take_elements(const struct nlmsghdr *nlh, void *priv)
{
	const size_t head = NLMSG_HDRLEN + sizeof(struct nfgenmsg);
	const struct nlattr *list = find((const char *)nlh + head, nlh->nlmsg_len - head,
					 NFTA_SET_ELEM_LIST_ELEMENTS);
	const struct nlattr *element;

	if (list)
		mnl_attr_for_each_nested(element, list)
			take_element(priv, element);
	return MNL_CB_OK;
}

/* A whole answer to a request that lists.  Changes elsewhere in nft mark the messages; they do not
 * concern us, so the mark goes. */
static int ask(int *fd, struct nlmsghdr *nlh, mnl_cb_t fn, void *priv)
{
	static _Thread_local char buf[READ_SIZE];
	int r = MNL_CB_OK;
	ssize_t n;

	if (*fd < 0)
		*fd = fwd_nl_open(NETLINK_NETFILTER, 0);
	if (*fd < 0)
		return *fd;
	fwd_nl_drain(*fd); /* of an answer that was given up */
	n = fwd_nl_send(*fd, nlh, nlh->nlmsg_len);
	while (n >= 0 && r == MNL_CB_OK) {
		size_t left;

		n = fwd_nl_recv(*fd, buf, sizeof(buf));
		left = n > 0 ? (size_t)n : 0;
		for (struct nlmsghdr *m = (void *)buf; NLMSG_OK(m, left); m = NLMSG_NEXT(m, left))
			m->nlmsg_flags &= (uint16_t)~NLM_F_DUMP_INTR;
		if (n >= 0)
			r = mnl_cb_run(buf, (size_t)n, 0, 0, fn, priv);
	}
	if (n < 0)
		return (int)n;
	return r < 0 ? -errno : 0;
}

int fwd_kset_read(int *fd, const struct fwd_kset *set, fwd_kset_fn *fn, void *priv)
{
	struct reading reading = {.set = set, .fn = fn, .priv = priv};
	char buf[512];
	struct nlmsghdr *nlh =
		nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETSETELEM, NFPROTO_INET, NLM_F_DUMP, 0);

	put_names(nlh, set);
	return ask(fd, nlh, take_elements, &reading);
}

/* ---- what is left -------------------------------------------------------------------------- */

struct sweep {
	struct fwd_nft_batch *b;
	const char *prefix;
};

static int sweep_set(const struct nlmsghdr *nlh, void *priv)
{
	const size_t head = NLMSG_HDRLEN + sizeof(struct nfgenmsg);
	const char *attrs = (const char *)nlh + head;
	const struct nlattr *table = find(attrs, nlh->nlmsg_len - head, NFTA_SET_TABLE);
	const struct nlattr *name = find(attrs, nlh->nlmsg_len - head, NFTA_SET_NAME);
	const struct sweep *sweep = priv;

	if (table && name && !strcmp(mnl_attr_get_str(table), FWD_TABLE) &&
	    !strncmp(mnl_attr_get_str(name), sweep->prefix, strlen(sweep->prefix)))
		delete_named(sweep->b, mnl_attr_get_str(name));
	return MNL_CB_OK;
}

int fwd_kset_sweep(struct fwd_nft *nft, const char *prefix)
{
	struct sweep sweep = {.b = fwd_nft_begin(nft), .prefix = prefix};
	struct nlmsghdr *nlh;
	char buf[512];
	int fd = -1, r;

	if (!sweep.b)
		return -ENOMEM;
	nlh = nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETSET, NFPROTO_INET, NLM_F_DUMP, 0);
	mnl_attr_put_strz(nlh, NFTA_SET_TABLE, FWD_TABLE);
	r = ask(&fd, nlh, sweep_set, &sweep);
	if (fd >= 0)
		close(fd);
	sweep.b->failed |= r < 0;
	return fwd_nft_commit(nft, sweep.b);
}

void fwd_nft_grace(void)
{
	static const struct timespec long_enough = {.tv_nsec = 200000000};

	/* rules are read under RCU, and this waits for RCU */
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		nanosleep(&long_enough, NULL);
}
