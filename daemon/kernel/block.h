/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sources that the kernel drops for a while, so that a flood does not fill the queue for others.
 *
 *	worker   a drop of a source that was dropped often lately: would the rules drop all of its
 *	         packets, and on the same way (fw/source.h)?  Then it is a member, to be put in.
 *	thread   puts members into counted sets (kset.h) of our table, where rules ahead of the queue
 *	         rules drop by them; every second reads what was counted and adds it to the rules' own
 *	         counters (more often where recent lists wait for it); takes out who has stopped, and
 *	         whose answer is about to end.
 *	control  before rules change: everybody out (fwd_kernel_withdraw()).
 *
 * Taking out.  Elements are never deleted, for what they counted would be lost: a new set without
 * them takes the old one's place, which is then read once more and deleted.  Where there is no time
 * for that (a packet is about to change the answer) the rules go at once, by the worker, before that
 * packet goes on: "cut".  The thread then puts back whoever may stay.
 *
 * Edits.  An edit cannot wait for that last reading.  It takes the rules away and puts the table of
 * all members aside with its sets; a new one begins, empty.  The thread reads and forgets what is
 * aside; control has it read with the rest when somebody wants to see counters.
 *
 * Connections.  Where rules ask the tracker, it must see every packet of a connection.  So a source
 * is put in only if the tracker knows no connection of its, in that protocol, and cut when a packet
 * from it or to it is let through, for that may begin one.  (Where the kernel tracks, the rules ask
 * it instead.)
 *
 * Locks.  Members belong to core->lock.  `work` is held by whoever changes or reads the sets, not
 * while the thread waits until they can be read for the last time; nft's lock while rules are changed.
 * Order: work, nft->lock, core->lock.
 */
#ifndef FWD_KERNEL_BLOCK_H
#define FWD_KERNEL_BLOCK_H

#include "fw/source.h"
#include "hitters.h"
#include "kset.h"

#define FWD_BLOCKS_MAX	 2000 /* members */
#define FWD_BLOCKS_BATCH 128 /* put in at once: an edit waits for no longer than that takes */
#define FWD_BLOCK_TICK FW_NSEC_PER_SEC /* from one look at the members to the next */
/* How old a reading may be on which a list's time of last use rests.  (nft's "last" would tell it
 * to the millisecond, but nft(8) before 1.0.7 crashes when it lists a set that has it.) */
#define FWD_BLOCK_POLL (FW_NSEC_PER_SEC / 10)
/* An answer that ends is taken back a while before, for the thread may be late. */
#define FWD_BLOCK_MARGIN (2 * FWD_BLOCK_TICK)
#define FWD_BLOCK_BARRED_NS (10 * FW_NSEC_PER_SEC) /* for whom a connection was seen */

enum fwd_block_state {
	FWD_BLOCK_FREE,
	FWD_BLOCK_ASKED, /* to be put in, if the tracker knows no connection of its */
	FWD_BLOCK_READY, /* to be put in */
	FWD_BLOCK_IN,    /* the kernel drops it, or is being told to */
	FWD_BLOCK_OUT,   /* … but is to be taken out */
	FWD_BLOCK_LEFT,  /* it is out, but what it counted has not been read yet */
	FWD_BLOCK_BARRED, /* not to be put in before `until` */
};

struct fwd_block {
	struct fwd_source source;
	uint32_t next; /* of those with the same hash; FWD_BLOCKS_MAX: none */
	uint8_t state; /* enum fwd_block_state */
	bool barred;   /* after LEFT comes BARRED */
	uint32_t scan; /* number of the first look through the tracker that will know it */
	uint32_t ticks_idle;
	uint64_t since, last, until; /* monotonic ns: put in; last packet; end of BARRED */
	struct fw_counters seen[2];  /* in the present set, and in the one that it replaced */
	struct fw_counters total;
	uint64_t rule_id; /* for people, as in drops.c */
	struct fw_source_path path;
};

/* Sets that stand or go together: which there are, and at which places rules ask (1 << place). */
struct fwd_block_sets {
	uint32_t number; /* 0: none */
	uint8_t places[FW_N_FAMILIES][FW_N_SOURCE_SCOPES];
};

/* Members and their sets. */
struct fwd_block_table {
	/* ---- under core->lock ---- */
	struct fwd_block_table *next; /* put aside before */
	uint64_t era;                 /* core->era when it was put aside */
	uint32_t bucket[FWD_BLOCKS_MAX];
	struct fwd_block block[FWD_BLOCKS_MAX];
	uint32_t n;         /* not FREE */
	uint32_t n_watched; /* that must have no connections */
	uint32_t n_listed;  /* that rest on a recent list */
	uint32_t n_updates; /* … whose times their packets are */
	/* ---- under `work` ---- */
	struct fwd_block_sets sets, old;
};

struct fwd_blocks {
	struct fwd_core *core;
	struct fwd_nft *nft;
	/* ---- under core->lock; what it points to is exchanged under `work`, too ---- */
	struct fwd_hitters *hitters;
	uint64_t key; /* of the hash */
	struct fwd_block_table *table; /* in force */
	struct fwd_block_table *aside; /* newest first */
	uint64_t lost; /* fw_recent_lost() as it was when members were asked about */
	uint32_t scan; /* looks through the tracker that have begun */
	bool hit;      /* see cut() */
	bool wanted;   /* there is work before the next tick */
	bool cut;      /* the rules are gone, or going, though members are IN */
	bool closed, stop; /* nobody is put in */
	struct fw_counters dropped; /* in all, for metrics */
	uint64_t handed_in; /* dropped.packets when control asked last */
	pthread_cond_t wake;
	/* ---- under `work` ---- */
	pthread_mutex_t work;
	uint32_t last_number; /* that sets have had */
	int fd;               /* to read them by */
	pthread_t thread;
	bool running;
	uint64_t retry; /* monotonic ns: not before, after a failure */
};

/* ---- block.c: under core->lock --------------------------------------------------------------- */

/* The packet was dropped by what is given; crowded: more wait than a worker reads at once. */
void fwd_block_dropped(struct fwd_blocks *bl, const struct fwd_snapshot *by,
		       const struct fw_packet *pkt, const struct fw_decision *dec, bool crowded,
		       uint64_t now, struct fw_frame *stack);
/* The packet is let through.  True: fwd_block_cut() before it goes on. */
bool fwd_block_passed(struct fwd_blocks *bl, const struct fw_packet *pkt, uint64_t now);
/* A batch is judged.  True: as above, for a recent list has lost somebody. */
bool fwd_block_judged(struct fwd_blocks *bl);

/* Empty; free() it.  NULL: no memory. */
struct fwd_block_table *fwd_block_table_new(void);
/* The member, or NULL. */
struct fwd_block *fwd_block_find(struct fwd_blocks *bl, struct fwd_block_table *t,
				 const struct fwd_source *s);
/* The members in force that such packets would be from: called for each, whatever hook and interface. */
void fwd_block_each(struct fwd_blocks *bl, unsigned int family, unsigned int proto,
		    const union fw_addr *addr,
		    void (*fn)(struct fwd_blocks *bl, struct fwd_block *m, uint64_t now),
		    uint64_t now);
/* Not to be put in any more, or to be taken out; not again before barred_until. */
void fwd_block_leave(struct fwd_blocks *bl, struct fwd_block *m, uint64_t barred_until);
/* It is in no set any more, and all is read. */
void fwd_block_settle(struct fwd_blocks *bl, struct fwd_block *m);
void fwd_block_free(struct fwd_blocks *bl, struct fwd_block_table *t, struct fwd_block *m);
void fwd_block_free_all(struct fwd_blocks *bl, struct fwd_block_table *t);
/* So much was counted since it was last read, the last of it at `last`, or not long before. */
void fwd_block_count(struct fwd_blocks *bl, struct fwd_block *m, const struct fw_counters *more,
		     uint64_t last);

/* ---- block-nft.c: under `work` --------------------------------------------------------------- */

/* What the names of all our sets begin with. */
#define FWD_BLOCK_PREFIX "drop_"
/* Words of a key. */
enum { FWD_BLOCK_WORD_IN = 0, FWD_BLOCK_WORD_PROTO = 4, FWD_BLOCK_WORD_PLACE, FWD_BLOCK_WORD_ADDR };
#define FWD_BLOCK_WORDS_MAX (FWD_BLOCK_WORD_ADDR + 4)

struct fwd_kset fwd_block_set(uint32_t number, unsigned int family, unsigned int scope);

/* The chain that packets pass first at a place (hitters.h); NULL: there is no such place. */
const char *fwd_block_chain(unsigned int place);
/* No rules any more.  Under nft->lock; needs no `work`. */
int fwd_block_flush(struct fwd_nft *nft);
/* Put in who is READY; with new sets where somebody has to go: `old` are then those that they have
 * replaced.  0, 1: some are READY still; or -errno: the sets are as they were, but members are not. */
int fwd_block_arm(struct fwd_blocks *bl);

/* ---- block-read.c: under `work` -------------------------------------------------------------- */

/* Rules name other sets than those that stand, which are `old` now. */
void fwd_block_retire(struct fwd_blocks *bl);
/* Hand in what the sets that stand have counted, or `old`.  0, or -errno. */
int fwd_block_read(struct fwd_blocks *bl, struct fwd_block_table *t, bool old);
/* … both, of all tables. */
void fwd_block_read_all(struct fwd_blocks *bl);
/* Of sets that no rule names any more; *sets is empty then. */
void fwd_block_delete(struct fwd_blocks *bl, struct fwd_block_sets *sets);

/* ---- block-work.c ---------------------------------------------------------------------------- */

/* The thread. */
void *fwd_block_main(void *blocks);
/* A worker's, without any lock: the kernel drops nobody until the thread has thought again. */
void fwd_block_cut(struct fwd_blocks *bl);

/* ---- block-end.c ----------------------------------------------------------------------------- */

/* Everybody out, and aside.  Under `work`. */
void fwd_block_withdraw(struct fwd_blocks *bl);
/* What no rule names any more is read for the last time, and goes.  Under `work`, which it lets go
 * while it waits. */
void fwd_block_bury(struct fwd_blocks *bl);

/* ---- block-life.c ---------------------------------------------------------------------------- */

/* Sets and rules of a former life are gone.  0, or -errno with err. */
int fwd_blocks_open(struct fwd_blocks **ret, struct fwd_core *core, struct fwd_nft *nft,
		    struct fw_err *err);
int fwd_blocks_start(struct fwd_blocks *bl, struct fw_err *err);
/* See fwd_kernel_withdraw() and others.  All of these take NULL. */
void fwd_blocks_withdraw(struct fwd_blocks *bl);
bool fwd_blocks_owe(struct fwd_blocks *bl, uint64_t era);
void fwd_blocks_resume(struct fwd_blocks *bl);
bool fwd_blocks_collect(struct fwd_blocks *bl);
void fwd_blocks_stats(struct fwd_blocks *bl, struct fwd_block_stats *ret);
/* For good: everything out and counted. */
void fwd_blocks_stop(struct fwd_blocks *bl);
struct fwd_blocks *fwd_blocks_free(struct fwd_blocks *bl);

#endif
