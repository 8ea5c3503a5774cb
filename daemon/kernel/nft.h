/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What table.c and nft.c share. */
#ifndef FWD_KERNEL_NFT_H
#define FWD_KERNEL_NFT_H

#include "expr.h"
#include "kernel.h"

#define FWD_TABLE "fwdd" /* "fwd" is a word of nft's language */

/* Our base chains: one for each hook (enum fw_hook), two that clean up behind them, and those of
 * translation. */
enum {
	FWD_CLEAN_INPUT = FW_N_HOOKS,
	FWD_CLEAN_POSTROUTING,
	FWD_OUTPUT_BEHIND,
	FWD_CLEAR_OUTPUT,
	FWD_RAW_PREROUTING,
	FWD_RAW_OUTPUT,
	FWD_NOTRACK_PREROUTING,
	FWD_NOTRACK_OUTPUT,
	FWD_BEGUN_PREROUTING,
	FWD_BEGUN_OUTPUT,
	FWD_DYING,
	FWD_WAIT_PREROUTING,
	FWD_WAIT_OUTPUT,
	FWD_NAT_PREROUTING,
	FWD_NAT_INPUT,
	FWD_NAT_OUTPUT,
	FWD_NAT_POSTROUTING,
	FWD_N_BASES
};

struct fwd_base {
	const char *name, *type;
	int hook, priority;
};

extern const struct fwd_base fwd_bases[FWD_N_BASES];
extern const uint8_t fwd_nfprotos[FW_N_FAMILIES];

/* A batch to fill (NULL: no memory, which commit reports), and its end. */
struct fwd_nft_batch *fwd_nft_begin(struct fwd_nft *nft);
int fwd_nft_commit(struct fwd_nft *nft, struct fwd_nft_batch *b);

/* Longest name of a counter (count.c). */
#define FWD_COUNTER_NAME 24

/* kct.c: the rules of a base chain while the kernel tracks; does it want any? */
bool fwd_kct_wants(const struct fw_plan *plan, unsigned int base);
void fwd_kct_add(struct fwd_nft_batch *b, const struct fwd_nft *nft, const struct fw_plan *plan,
		 unsigned int base);
/* The chain that they jump to. */
void fwd_kct_add_states(struct fwd_nft_batch *b, const struct fwd_nft *nft);
/* begun.c: the chain for expected connections */
void fwd_begun_add_expected(struct fwd_nft_batch *b, const struct fwd_nft *nft);

/* wait.c: packets that overtake their connection's first one wait */
bool fwd_wait_wanted(const struct fw_plan *plan);
void fwd_wait_probe(struct fwd_nft *nft); /* find out what nft->limits is */
/* Its sets, where they are missing; the rules of its base chains, of begun.c's, and of OUTPUT's where
 * nobody else takes its notes off. */
void fwd_wait_sets(struct fwd_nft_batch *b);
void fwd_wait_add(struct fwd_nft_batch *b, const struct fwd_nft *nft, const struct fw_plan *plan,
		  unsigned int base);
void fwd_wait_add_begun(struct fwd_nft_batch *b, const struct fw_plan *plan, unsigned int base);
void fwd_wait_add_clear(struct fwd_nft_batch *b, const struct fwd_nft *nft, unsigned int base);

/* known.c: chains that let known flows pass (offload.c); base chains jump there before they queue. */
void fwd_known_chains(struct fwd_nft_batch *b);
void fwd_known_jump(struct fwd_nft_batch *b, const struct fwd_nft *nft, unsigned int base);
void fwd_known_flush(struct fwd_nft_batch *b);

/* nft.c, for kct.c */
/* First of all: the sources that the kernel drops. */
void fwd_nft_add_blocks(struct fwd_nft_batch *b, const struct fwd_nft *nft, unsigned int base);
void fwd_nft_add_types(struct fwd_nft_batch *b, const struct fw_plan *plan, unsigned int base);
void fwd_nft_add_owners(struct fwd_nft_batch *b, const struct fw_plan *plan, unsigned int base);
/* count.c: nobody looks at these packets, but a policy that lets them pass counts them. */
void fwd_nft_add_counting(struct fwd_nft_batch *b, unsigned int family, unsigned int base);

/* nat.c: maps by what may stand in them */
#define FWD_MAP_DST  "nat_dst"
#define FWD_MAP_SRC  "nat_src"
#define FWD_MAP_MASQ "nat_masq"
#define FWD_MAP_CT_BEFORE "ct_before"
#define FWD_MAP_CT_BEHIND "ct_behind"

/* shift.c: does this shift of ports need a map?  Do two need the same one? */
bool fwd_shift_mapped(const struct fw_nat *nat);
bool fwd_shift_same(const struct fw_nat *a, const struct fw_nat *b);
/* Make and fill its map: 0, or -errno. */
int fwd_shift_make(struct fwd_nft *nft, const struct fw_nat *nat);
/* The rules that ask it; what they leave has no need to be. */
void fwd_shift_rules(struct fwd_nft_batch *b, const char *chain, const struct fw_nat *nat);

int fwd_assign_remake(struct fwd_nft *nft);
/* Every translation anew, in a table made anew. */
int fwd_nat_remake(struct fwd_nft *nft);

void fwd_nft_add_base(struct fwd_nft_batch *b, unsigned int base);

/* Table, chains and the rules that do not depend on the plan, where they are missing. */
int fwd_nft_restore(struct fwd_nft *nft, const struct fwd_config *config);

/* Find out what nft->fib is. */
void fwd_nft_probe_fib(struct fwd_nft *nft);
/* From now on this family's packets come whole. */
int fwd_nft_defrag(struct fwd_nft *nft, enum fw_family family, struct fw_err *err);

#endif
