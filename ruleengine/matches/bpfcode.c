/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Classic BPF programs (bpfcode.h). */
#include "matches/bpfcode.h"

#include <string.h>

/* A fact beside the packet's bytes, as a load's place. */
#define AD(fact) ((uint32_t)(SKF_AD_OFF + (fact)))

/* ---- is it a program? ---------------------------------------------------------------------- */

enum fact { NOT_TOLD, TOLD, PACKET };

/* What a load from a fixed place reads. */
static enum fact fact_at(uint32_t k)
{
	switch (k) {
	case AD(SKF_AD_PROTOCOL):
	case AD(SKF_AD_PKTTYPE):
	case AD(SKF_AD_MARK):
	case AD(SKF_AD_RANDOM):
	case AD(SKF_AD_ALU_XOR_X): return TOLD;
	}
	return k < (uint32_t)SKF_LL_OFF || (k >= (uint32_t)SKF_NET_OFF && k < AD(0)) ? PACKET
										     : NOT_TOLD;
}

static bool known_code(const struct sock_filter *f)
{
	const uint16_t mode = BPF_MODE(f->code), size = BPF_SIZE(f->code), op = BPF_OP(f->code);
	const bool word = size == BPF_W;

	switch (BPF_CLASS(f->code)) {
	case BPF_LD:
		return f->code < 0x100 && size != 0x18 &&
			(mode == BPF_ABS || mode == BPF_IND ||
			 (word && (mode == BPF_LEN || mode == BPF_IMM || mode == BPF_MEM)));
	case BPF_LDX:
		return f->code == (BPF_LDX | BPF_B | BPF_MSH) ||
			(f->code < 0x100 && word &&
			 (mode == BPF_LEN || mode == BPF_IMM || mode == BPF_MEM));
	case BPF_ST:
	case BPF_STX: return f->code == BPF_ST || f->code == BPF_STX;
	case BPF_ALU:
		return f->code == (BPF_ALU | BPF_NEG) ||
			(f->code < 0x100 && op <= BPF_XOR && op != BPF_NEG);
	case BPF_JMP:
		return f->code == (BPF_JMP | BPF_JA) ||
			(f->code < 0x100 && op >= BPF_JEQ && op <= BPF_JSET);
	case BPF_RET: return f->code == (BPF_RET | BPF_K) || f->code == (BPF_RET | BPF_A);
	default: return f->code == (BPF_MISC | BPF_TAX) || f->code == (BPF_MISC | BPF_TXA);
	}
}

const char *bpf_flaw(const struct bpf *b, uint32_t at)
{
	const struct sock_filter *f = &b->code[at];
	const uint32_t left = b->n - 1 - at;
	const uint16_t class = BPF_CLASS(f->code), op = BPF_OP(f->code);
	const bool constant = BPF_SRC(f->code) == BPF_K;

	if (!known_code(f))
		return "is none";
	if (class == BPF_ALU && constant && (op == BPF_DIV || op == BPF_MOD) && !f->k)
		return "divides by zero";
	if (class == BPF_ALU && constant && (op == BPF_LSH || op == BPF_RSH) && f->k > 31)
		return "shifts by more than 31 bits";
	if (((class == BPF_LD || class == BPF_LDX) && BPF_MODE(f->code) == BPF_MEM) ||
	    class == BPF_ST || class == BPF_STX) {
		if (f->k >= BPF_MEMWORDS)
			return "uses memory that is not there";
	} else if (class == BPF_JMP) {
		if (f->code == (BPF_JMP | BPF_JA) ? f->k >= left : f->jt >= left || f->jf >= left)
			return "jumps behind the end";
	} else if (class == BPF_LD && BPF_MODE(f->code) == BPF_ABS && f->k >= AD(0) &&
		   fact_at(f->k) == NOT_TOLD && f->k >= AD(SKF_AD_MAX)) {
		return "reads no known fact";
	}
	return left || class == BPF_RET ? NULL : "ends without a result";
}

/* On every way to where it is read it must have been written. */
const char *bpf_flaw_of_memory(const struct bpf *b)
{
	uint16_t written[BPF_CODE_MAX],
		now = 0; /* one bit for each word; before each instruction */

	memset(written, 0xff, sizeof(written));
	for (uint32_t i = 0; i < b->n; i++) {
		const struct sock_filter *f = &b->code[i];
		const uint16_t class = BPF_CLASS(f->code);

		now &= written[i];
		if (class == BPF_ST || class == BPF_STX)
			now |= (uint16_t)(1u << f->k);
		else if ((class == BPF_LD || class == BPF_LDX) && BPF_MODE(f->code) == BPF_MEM &&
			 !(now >> f->k & 1))
			return "reads memory that was not written";
		if (f->code == (BPF_JMP | BPF_JA)) {
			written[i + 1 + f->k] &= now;
			now = UINT16_MAX;
		} else if (class == BPF_JMP) {
			written[i + 1 + f->jt] &= now;
			written[i + 1 + f->jf] &= now;
			now = UINT16_MAX;
		}
	}
	return NULL;
}

static bool is_fixed_load(const struct sock_filter *f)
{
	return BPF_CLASS(f->code) == BPF_LD && BPF_MODE(f->code) == BPF_ABS;
}

/* A place that is computed, or whose byte says a header's length, names no facts but may be the
 * frame's, in front of the IP header. */
bool bpf_reads_untold(const struct sock_filter *f)
{
	const uint16_t class = BPF_CLASS(f->code), mode = BPF_MODE(f->code);

	if (is_fixed_load(f))
		return fact_at(f->k) == NOT_TOLD;
	return ((class == BPF_LD && mode == BPF_IND) || (class == BPF_LDX && mode == BPF_MSH)) &&
		f->k >= (uint32_t)SKF_LL_OFF && f->k < (uint32_t)SKF_NET_OFF;
}

bool bpf_reads_type(const struct bpf *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (is_fixed_load(&b->code[i]) && b->code[i].k == AD(SKF_AD_PKTTYPE))
			return true;
	return false;
}

/* ---- running it ---------------------------------------------------------------------------- */

struct machine {
	uint32_t a, x, mem[BPF_MEMWORDS];
	struct fw_eval *e;
};

static uint32_t fact(const struct machine *m, uint32_t k)
{
	switch (k) {
	case AD(SKF_AD_PROTOCOL): return m->e->pkt->family == FW_IP4 ? 0x0800 : 0x86dd;
	case AD(SKF_AD_PKTTYPE): return m->e->pkt->meta.pkttype;
	case AD(SKF_AD_MARK): return m->e->mark;
	case AD(SKF_AD_RANDOM): return fw_world_random(m->e->world);
	default: return m->a ^ m->x; /* SKF_AD_ALU_XOR_X */
	}
}

/* `size` bytes at the offset, which may count from SKF_NET_OFF: the IP header either way. */
static bool load(const struct machine *m, uint32_t off, uint32_t size, uint32_t *ret)
{
	const uint8_t *p;

	if (off >= (uint32_t)SKF_NET_OFF)
		off -= (uint32_t)SKF_NET_OFF;
	p = fw_packet_bytes(m->e->pkt, off, size);
	if (!p)
		return false;
	*ret = size == 4 ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]
		: size == 2 ? (uint32_t)(p[0] << 8 | p[1])
			    : p[0];
	return true;
}

/* false: the program ends here, without a match. */
static bool run_load(struct machine *m, const struct sock_filter *f)
{
	uint32_t *to = BPF_CLASS(f->code) == BPF_LD ? &m->a : &m->x;
	const uint32_t size = BPF_SIZE(f->code) == BPF_W ? 4 : BPF_SIZE(f->code) == BPF_H ? 2 : 1;

	switch (BPF_MODE(f->code)) {
	case BPF_IMM: *to = f->k; return true;
	case BPF_MEM: *to = m->mem[f->k]; return true;
	case BPF_LEN: *to = m->e->pkt->len; return true;
	case BPF_IND: return load(m, m->x + f->k, size, to);
	case BPF_MSH:
		if (!load(m, f->k, 1, to))
			return false;
		*to = (*to & 15) * 4;
		return true;
	default:
		if (f->k < AD(0))
			return load(m, f->k, size, to);
		*to = fact(m, f->k);
		return true;
	}
}

static bool run_alu(struct machine *m, const struct sock_filter *f)
{
	const uint32_t v = BPF_SRC(f->code) == BPF_X ? m->x : f->k;

	switch (BPF_OP(f->code)) {
	case BPF_ADD: m->a += v; break;
	case BPF_SUB: m->a -= v; break;
	case BPF_MUL: m->a *= v; break;
	case BPF_AND: m->a &= v; break;
	case BPF_OR: m->a |= v; break;
	case BPF_XOR: m->a ^= v; break;
	case BPF_LSH: m->a <<= v & 31; break;
	case BPF_RSH: m->a >>= v & 31; break;
	case BPF_NEG: m->a = -m->a; break;
	case BPF_DIV:
		if (v)
			m->a /= v;
		return v;
	case BPF_MOD:
		if (v)
			m->a %= v;
		return v;
	}
	return true;
}

/* How many instructions are left out. */
static uint32_t run_jump(const struct machine *m, const struct sock_filter *f)
{
	const uint32_t v = BPF_SRC(f->code) == BPF_X ? m->x : f->k;
	bool yes;

	switch (BPF_OP(f->code)) {
	case BPF_JA: return f->k;
	case BPF_JEQ: yes = m->a == v; break;
	case BPF_JGT: yes = m->a > v; break;
	case BPF_JGE: yes = m->a >= v; break;
	default: yes = m->a & v;
	}
	return yes ? f->jt : f->jf;
}

bool bpf_run(const struct bpf *b, struct fw_eval *e)
{
	struct machine m = {.e = e};

	for (uint32_t i = 0; i < b->n; i++) {
		const struct sock_filter *f = &b->code[i];

		switch (BPF_CLASS(f->code)) {
		case BPF_LD:
		case BPF_LDX:
			if (!run_load(&m, f))
				return false;
			break;
		case BPF_ST: m.mem[f->k] = m.a; break;
		case BPF_STX: m.mem[f->k] = m.x; break;
		case BPF_ALU:
			if (!run_alu(&m, f))
				return false;
			break;
		case BPF_JMP: i += run_jump(&m, f); break;
		case BPF_RET: return BPF_RVAL(f->code) == BPF_A ? m.a : f->k;
		default:
			if (BPF_MISCOP(f->code) == BPF_TAX)
				m.x = m.a;
			else
				m.a = m.x;
		}
	}
	return false; /* cannot be: every program ends with a result */
}
