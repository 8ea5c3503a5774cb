/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address translation: what a rule of the nat table asks for.
 *
 * The engine chooses the rule, the kernel translates.  The choice is a struct fw_nat, flat, so that
 * the same action of many rules is the same bytes; the daemon gives each distinct one a code and
 * has a chain of nft's made for it.
 *
 * Threads: any that holds a reference to the ruleset, or the world (world.h).  Nothing is allocated.
 */
#ifndef FW_NAT_H
#define FW_NAT_H

#include "fw/packet.h"
#include "fw/ruleset.h"

/* Values of NF_NAT_RANGE_* (include/uapi/linux/netfilter/nf_nat.h). */
#define FW_NAT_ADDR         0x01 /* min_addr, max_addr say something */
#define FW_NAT_PORT         0x02 /* the same for ports */
#define FW_NAT_RANDOM       0x04
#define FW_NAT_PERSISTENT   0x08
#define FW_NAT_RANDOM_FULLY 0x10
#define FW_NAT_OFFSET       0x20 /* ports shift: see fw_nat_shift() */
#define FW_NAT_NETMAP       0x40

enum fw_nat_kind {
	FW_NAT_NONE,
	FW_NAT_DST,      /* DNAT */
	FW_NAT_SRC,      /* SNAT */
	FW_NAT_REDIRECT, /* to this host */
	FW_NAT_MASQUERADE,
	FW_NAT_BOTH,     /* NETMAP: of the destination or the source, as the hook has it */
};

struct fw_nat {
	uint8_t kind, family; /* enum fw_nat_kind, enum fw_family */
	uint16_t flags;       /* FW_NAT_* */
	uint16_t min_port, max_port, base_port; /* host order */
	uint8_t zero[6]; /* so that equal ones are equal bytes */
	union fw_addr min_addr, max_addr;
};

/* Where a shift (FW_NAT_OFFSET) puts a port first, as the kernel counts.  Host order. */
static inline uint16_t fw_nat_shift(const struct fw_nat *nat, uint16_t port)
{
	const uint32_t size = (uint32_t)(nat->max_port - nat->min_port) + 1;

	return (uint16_t)(nat->min_port + (uint16_t)(port - nat->base_port) % size);
}

/* The action of a rule at a hook: BOTH has become DST or SRC. */
struct fw_nat fw_nat_at(const struct fw_use *use, enum fw_hook hook);

/*
 * Would the packet be another?  What NETMAP maps to itself is left alone: nft calls it translated
 * all the same, and the kernel then answers for it as if it were.
 */
bool fw_nat_moves(const struct fw_use *use, const struct fw_packet *pkt);

/* In PREROUTING: where the packet will be going, of several places the first.  false: to this host. */
bool fw_nat_destination(const struct fw_use *use, const struct fw_packet *pkt, union fw_addr *ret);

/* Every action that the rules of the nat tables may ask for, again and again the same; `nat` is valid
 * during the call.  Ends with the first fn() that returns other than 0, and returns that. */
int fw_nat_each(const struct fw_ruleset *rs, int (*fn)(void *priv, const struct fw_nat *nat),
		void *priv);

#endif
