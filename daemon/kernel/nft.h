/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What table.c and nft.c share. */
#ifndef FWD_KERNEL_NFT_H
#define FWD_KERNEL_NFT_H

#include "expr.h"
#include "kernel.h"

#define FWD_TABLE "fwdd" /* "fwd" is a word of nft's language */

/* Our base chains: one for each hook (enum fw_hook), and two that clean up behind them. */
enum { FWD_CLEAN_INPUT = FW_N_HOOKS, FWD_CLEAN_POSTROUTING, FWD_N_BASES };

struct fwd_base {
	const char *name;
	int hook, priority;
};

extern const struct fwd_base fwd_bases[FWD_N_BASES];
extern const uint8_t fwd_nfprotos[FW_N_FAMILIES];

/* A batch to fill (NULL: no memory, which commit reports), and its end. */
struct fwd_nft_batch *fwd_nft_begin(struct fwd_nft *nft);
int fwd_nft_commit(struct fwd_nft *nft, struct fwd_nft_batch *b);

/* Name of the counter of a hook that is not queued. */
#define FWD_COUNTER_NAME 24
void fwd_counter_name(char name[FWD_COUNTER_NAME], unsigned int family, unsigned int hook);

void fwd_nft_add_base(struct fwd_nft_batch *b, unsigned int base);

/* Table, chains and the rules that do not depend on the plan, where they are missing. */
int fwd_nft_restore(struct fwd_nft *nft, const struct fwd_config *config);

/* From now on this family's packets come whole. */
int fwd_nft_defrag(struct fwd_nft *nft, enum fw_family family, struct fw_err *err);

#endif
