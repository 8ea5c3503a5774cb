/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counted sets of our nft table: what is in one, the kernel decides by itself, and counts.
 *
 * A key is a row of 32-bit words (at most 16), whatever a rule loads into them before it asks:
 *
 *	fwd_load_meta(b, rule, 0, NFT_META_IIF);                      word 0
 *	fwd_load_network(b, rule, 1, 12, 4);                          word 1: IPv4 source
 *	fwd_rule_in(b, rule, &set);                                   go on if it is in the set
 *	fwd_rule_verdict(b, rule, NF_DROP);
 *
 * Every element has a counter of packets and IP bytes, which a successful look-up increases; so
 * such a look-up is the last question of a rule.
 *
 * How counters stay exact.  Elements have no timeout and are not deleted one by one: what was
 * counted between the last reading and the deletion would be lost.  A whole set is retired instead:
 *
 *	1. one batch: the rules that name the set go, or name a new one, made in the same batch.
 *	   When fwd_nft_commit() returns, no packet that comes later meets the old set.
 *	2. fwd_nft_grace(): packets that had met it have been counted.  (It sleeps: not for workers.)
 *	3. fwd_kset_read(): each element once.  It may be read before that, too, any number of times;
 *	   counters only grow: what a reading adds is the difference to the one before.
 *	4. fwd_kset_delete() in any batch.
 *
 * Names must not come back while a set of that name stands: number them.  What a former life has
 * left in an adopted table goes with fwd_kset_sweep().
 *
 * Threads: batches as all of nft's, under nft->lock; reading has a socket of its own.
 */
#ifndef FWD_KERNEL_KSET_H
#define FWD_KERNEL_KSET_H

#include "nft.h"

#define FWD_KSET_NAME  24
#define FWD_KSET_WORDS 16   /* of a key at most */

struct fwd_kset {
	char name[FWD_KSET_NAME];
	uint32_t words; /* of a key */
	uint32_t size;  /* elements at most: the kernel takes no more */
};

/* To be called between fwd_nft_begin() and fwd_nft_commit(). */
void fwd_kset_make(struct fwd_nft_batch *b, const struct fwd_kset *set);
/* keys: n * set->words words; one that is there already makes the whole batch fail (-EEXIST) */
void fwd_kset_add(struct fwd_nft_batch *b, const struct fwd_kset *set, const uint32_t *keys,
		  size_t n);
void fwd_kset_delete(struct fwd_nft_batch *b, const struct fwd_kset *set);

/* Load into word `word` of the key and on. */
void fwd_load_meta(struct fwd_nft_batch *b, struct nftnl_rule *r, unsigned int word, uint32_t key);
void fwd_load_network(struct fwd_nft_batch *b, struct nftnl_rule *r, unsigned int word,
		      uint32_t offset, uint32_t len);
void fwd_load_transport(struct fwd_nft_batch *b, struct nftnl_rule *r, unsigned int word,
			uint32_t offset, uint32_t len);
void fwd_load_word(struct fwd_nft_batch *b, struct nftnl_rule *r, unsigned int word,
		   uint32_t value);
/* Is the key in the set?  It counts there, and the rule goes on. */
void fwd_rule_in(struct fwd_nft_batch *b, struct nftnl_rule *r, const struct fwd_kset *set);

/* Once for each element; counters are since it was added. */
typedef void fwd_kset_fn(void *priv, const uint32_t *key, const struct fw_counters *counters);

/* Read a whole set.  *fd: a socket, opened when it is -1.  0, or -errno.  An element that is added
 * meanwhile may be missed, and others with it: hold additions off. */
int fwd_kset_read(int *fd, const struct fwd_kset *set, fwd_kset_fn *fn, void *priv);

/* Delete all sets whose names begin so; no rule may name them.  0, or -errno. */
int fwd_kset_sweep(struct fwd_nft *nft, const char *prefix);

/* Wait until no packet is in the middle of rules that are gone. */
void fwd_nft_grace(void);

#endif
