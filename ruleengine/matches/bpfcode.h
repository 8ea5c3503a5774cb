/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Classic BPF programs: are they ones that the kernel would take, and what do they say of a packet?
 *
 * A program must end, jump forward and read nothing that it did not write, so running it needs no
 * checks but those on the packet's bytes.  What lies outside of the packet, and a division by zero,
 * end it without a match.
 */
#ifndef MATCHES_BPFCODE_H
#define MATCHES_BPFCODE_H

#include <linux/filter.h>

#include "fw/eval.h"

#define BPF_CODE_MAX 64 /* XT_BPF_MAX_NUM_INSTR */

struct bpf {
	uint32_t n;
	struct sock_filter code[BPF_CODE_MAX];
};

/* What is wrong with an instruction, or with the program's use of its memory; NULL: nothing. */
const char *bpf_flaw(const struct bpf *b, uint32_t at);
const char *bpf_flaw_of_memory(const struct bpf *b);
/* Does it ask for a fact that a queue does not tell?  Does the program ask for the packet's type?
 */
bool bpf_reads_untold(const struct sock_filter *f);
bool bpf_reads_type(const struct bpf *b);

/* To be asked only of a program without flaws. */
bool bpf_run(const struct bpf *b, struct fw_eval *e);

#endif
