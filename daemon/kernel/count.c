/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters of our nft table for hooks that are counted but not queued (plan.count).
 *
 * They are named objects, so they keep their values while rules around them are made anew, and
 * they are read and zeroed in one step (GETOBJ_RESET): no packet is counted twice or not at all.
 * Once made they stay: what was counted just before a hook became queued is read the next time.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/object.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <string.h>

#include "nft.h"

static unsigned int base_of(unsigned int counted)
{
	return counted == FWD_COUNTED_BEHIND ? FWD_OUTPUT_BEHIND : counted;
}

static void name_of(char name[FWD_COUNTER_NAME], unsigned int family, unsigned int base)
{
	snprintf(name, FWD_COUNTER_NAME, "%s%s", fwd_bases[base].name,
		 family == FW_IP4 ? "4" : "6");
}

void fwd_nft_add_counting(struct fwd_nft_batch *b, unsigned int family, unsigned int base)
{
	struct nftnl_rule *r = fwd_rule_new(b, FWD_TABLE, fwd_bases[base].name);
	char name[FWD_COUNTER_NAME];

	name_of(name, family, base);
	fwd_batch_counter(b, FWD_TABLE, name);
	fwd_rule_meta(b, r, NFT_META_NFPROTO);
	fwd_rule_cmp(b, r, NFT_CMP_EQ, &fwd_nfprotos[family], 1);
	fwd_rule_object(b, r, NFT_OBJECT_COUNTER, name);
	fwd_batch_rule(b, r);
}

struct reading {
	struct fw_counters (*ret)[FWD_N_COUNTED];
};

static int take_object(const struct nlmsghdr *nlh, void *priv)
{
	struct nftnl_obj *o = nftnl_obj_alloc();
	struct reading *reading = priv;
	char name[FWD_COUNTER_NAME];

	if (!o)
		return MNL_CB_ERROR;
	if (nftnl_obj_nlmsg_parse(nlh, o) == 0 && nftnl_obj_is_set(o, NFTNL_OBJ_NAME)) {
		for (unsigned int i = 0; i < FW_N_FAMILIES * FWD_N_COUNTED; i++) {
			const unsigned int f = i / FWD_N_COUNTED, h = i % FWD_N_COUNTED;
			struct fw_counters *c = &reading->ret[f][h];

			name_of(name, f, base_of(h));
			if (strcmp(name, nftnl_obj_get_str(o, NFTNL_OBJ_NAME)))
				continue;
			c->packets = nftnl_obj_get_u64(o, NFTNL_OBJ_CTR_PKTS);
			c->bytes = nftnl_obj_get_u64(o, NFTNL_OBJ_CTR_BYTES);
		}
	}
	nftnl_obj_free(o);
	return MNL_CB_OK;
}

static int ask(struct fwd_nft *nft, struct reading *reading)
{
	struct nftnl_obj *o = nftnl_obj_alloc();
	char buf[8192];
	struct nlmsghdr *nlh;
	ssize_t n;
	int r = MNL_CB_OK;

	if (!o)
		return -ENOMEM;
	nlh = nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETOBJ_RESET, NFPROTO_INET, NLM_F_DUMP,
				    ++nft->seq);
	nftnl_obj_set_str(o, NFTNL_OBJ_TABLE, FWD_TABLE);
	nftnl_obj_nlmsg_build_payload(nlh, o);
	nftnl_obj_free(o);
	n = fwd_nl_send(nft->fd, nlh, nlh->nlmsg_len);
	while (n >= 0 && r == MNL_CB_OK) {
		n = fwd_nl_recv(nft->fd, buf, sizeof(buf));
		if (n >= 0)
			r = mnl_cb_run(buf, (size_t)n, nft->seq, 0, take_object, reading);
	}
	if (n < 0)
		return (int)n;
	return r < 0 ? -errno : 0;
}

int fwd_nft_counted(struct fwd_nft *nft, struct fw_counters ret[FW_N_FAMILIES][FWD_N_COUNTED])
{
	struct reading reading = {.ret = ret};
	int r = 0;

	memset(ret, 0, sizeof(struct fw_counters) * FW_N_FAMILIES * FWD_N_COUNTED);
	pthread_mutex_lock(&nft->lock);
	if (nft->made && nft->counting)
		r = ask(nft, &reading);
	pthread_mutex_unlock(&nft->lock);
	return r;
}
