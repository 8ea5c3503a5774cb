/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capture files (https://www.tcpdump.org/manpages/pcap-savefile.5.html): a header of 24 bytes, then
 * 16 bytes and the packet, over and over, in the byte order of whoever wrote it.
 *
 * Written here rather than taken from libpcap because it is a page, and because fwctl is started
 * hundreds of times by other programs: it must not load a library for what one subcommand does.
 */
#include "pcap.h"

#include <errno.h>
#include <string.h>

#define MAGIC_US 0xa1b2c3d4u
#define MAGIC_NS 0xa1b23c4du

/* Link types (https://www.tcpdump.org/linktypes.html). */
enum {
	LINK_NULL = 0,
	LINK_ETHERNET = 1,
	LINK_RAW = 101,
	LINK_SLL = 113,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_SLL2 = 276,
};

static uint32_t get32(const struct ctl_pcap *f, const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return f->swapped ? __builtin_bswap32(v) : v;
}

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

int ctl_pcap_open(struct ctl_pcap *f, const void *data, size_t len, struct fw_err *err)
{
	uint32_t magic;

	*f = (struct ctl_pcap){.p = data};
	f->end = f->p + len;
	if (len < 24)
		return fw_fail(err, FW_ERR_USAGE, "no capture file: too short");
	magic = get32(f, f->p);
	if (magic == __builtin_bswap32(MAGIC_US) || magic == __builtin_bswap32(MAGIC_NS)) {
		f->swapped = true;
		magic = __builtin_bswap32(magic);
	}
	if (magic != MAGIC_US && magic != MAGIC_NS) {
		fw_fail(err, FW_ERR_USAGE, "no capture file in the classic format");
		fw_err_hint(err, "tcpdump -r FILE -w NEW writes it from others, such as pcapng");
		return -EINVAL;
	}
	f->nanoseconds = magic == MAGIC_NS;
	f->link_type = get32(f, f->p + 20) & 0xffff;
	f->p += 24;
	switch (f->link_type) {
	case LINK_NULL:
	case LINK_ETHERNET:
	case LINK_RAW:
	case LINK_SLL:
	case LINK_IPV4:
	case LINK_IPV6:
	case LINK_SLL2: return 0;
	default: return fw_fail(err, FW_ERR_USAGE, "link type %u is not known here", f->link_type);
	}
}

/* Bytes of the link layer before the IP header; -1: not IP. */
static int link_bytes(const struct ctl_pcap *f, const uint8_t *p, uint32_t n,
		      struct ctl_pcap_packet *ret)
{
	uint32_t off = 12;
	uint16_t type;

	switch (f->link_type) {
	case LINK_NULL: return 4;
	case LINK_SLL:
		return n >= 16 && (be16(p + 14) == 0x0800 || be16(p + 14) == 0x86dd) ? 16 : -1;
	case LINK_SLL2: return n >= 20 && (be16(p) == 0x0800 || be16(p) == 0x86dd) ? 20 : -1;
	case LINK_ETHERNET: break;
	default: return 0;
	}
	if (n < 14)
		return -1;
	memcpy(ret->mac, p + 6, 6);
	ret->has_mac = true;
	for (type = be16(p + off); (type == 0x8100 || type == 0x88a8) && n >= off + 6;) {
		off += 4; /* a VLAN tag */
		type = be16(p + off);
	}
	return type == 0x0800 || type == 0x86dd ? (int)off + 2 : -1;
}

static bool take(const struct ctl_pcap *f, const uint8_t *p, uint32_t cap_len, uint32_t len,
		 struct ctl_pcap_packet *ret)
{
	int link = link_bytes(f, p, cap_len, ret);

	if (link < 0 || (uint32_t)link >= cap_len || len < cap_len)
		return false;
	ret->data = p + link;
	ret->cap_len = cap_len - (uint32_t)link;
	ret->len = len - (uint32_t)link;
	if (ret->data[0] >> 4 != 4 && ret->data[0] >> 4 != 6)
		return false;
	ret->family = ret->data[0] >> 4 == 4 ? FW_IP4 : FW_IP6;
	return true;
}

int ctl_pcap_next(struct ctl_pcap *f, struct ctl_pcap_packet *ret)
{
	while (f->end - f->p >= 16) {
		const uint8_t *h = f->p;
		uint32_t cap_len = get32(f, h + 8), len = get32(f, h + 12);

		*ret = (struct ctl_pcap_packet){.data = NULL};
		if (cap_len > (size_t)(f->end - h - 16))
			return 0;
		f->p = h + 16 + cap_len;
		ret->time_ns = get32(f, h) * FW_NSEC_PER_SEC +
			get32(f, h + 4) * (f->nanoseconds ? 1ull : 1000ull);
		if (take(f, h + 16, cap_len, len, ret))
			return 1;
	}
	return 0;
}
