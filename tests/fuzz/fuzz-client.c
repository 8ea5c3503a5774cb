/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the client reads: a daemon's answer, a capture, a described packet, restore text with names.
 * The first byte chooses.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "pcap.h"
#include "reply.h"
#include "rewrite.h"
#include "say.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

/* Whatever a refusal says, it can be told in both voices. */
static void tell(const struct fw_err *err, const char *text, size_t len)
{
	static const char *const names[] = {"fwctl", "iptables-restore"};

	for (size_t i = 0; i < FW_ARRAY_SIZE(names); i++) {
		struct ctl ctl = {.family = FW_IP4};
		struct fw_buf out = FW_BUF_INIT;

		ctl_name(&ctl, names[i]);
		ctl_format_text(&ctl, err, NULL, text, len, &out);
		require(out.len > 0);
		fw_buf_deinit(&out);
	}
}

static void reply(const char *text, size_t size)
{
	struct ctl_reply r = CTL_REPLY_INIT;

	fw_buf_add(&r.raw, text, size);
	if (ctl_reply_parse(&r) == 0)
		require(r.len <= size && r.err.code == FW_ERR_NONE);
	else
		tell(&r.err, text, size);
	ctl_reply_deinit(&r);
}

static void summarize(const struct fw_packet *pkt)
{
	struct fw_buf out = FW_BUF_INIT;

	ctl_packet_summary(pkt, &out);
	require(out.len > 0);
	fw_buf_deinit(&out);
}

static void capture(const uint8_t *data, size_t size)
{
	struct fw_err err = FW_ERR_INIT;
	struct fw_pkt_meta meta = {.hook = FW_INPUT};
	struct ctl_pcap_packet p;
	struct fw_packet pkt;
	struct ctl_pcap f;

	if (ctl_pcap_open(&f, data, size, &err) < 0)
		return;
	while (ctl_pcap_next(&f, &p)) {
		require(p.data >= data && p.cap_len <= (size_t)(data + size - p.data));
		if (fw_packet_parse(&pkt, p.family, p.data, p.cap_len, p.len, &meta) == 0)
			summarize(&pkt);
	}
}

static void described(const char *text)
{
	struct fw_err err = FW_ERR_INIT;
	enum fw_hook path[FW_N_HOOKS];
	struct ctl_packet p;
	struct fw_packet pkt;

	if (ctl_describe(&p, FW_IP4, 1, &text, NULL, NULL, &err) < 0) {
		require(err.code != FW_ERR_NONE);
		return;
	}
	require(ctl_packet_path(&p, path) <= FW_N_HOOKS);
	require(fw_packet_parse(&pkt, p.family, p.data, p.cap_len, p.len, &p.meta) == 0);
	summarize(&pkt);
}

static int host(void *priv, enum fw_family family, const char *name, union fw_addr *ret, size_t *n)
{
	size_t found = strlen(name) % 3;

	for (size_t i = 0; i < found && i < *n; i++)
		ret[i] = (union fw_addr){.u8 = {10, 0, 0, (uint8_t)(i + 1)}};
	if (*n > found)
		*n = found;
	return *n ? 0 : -1;
}

static void names(const char *text, size_t size)
{
	const struct fw_resolver resolver = {.host = host};
	struct fw_err err = FW_ERR_INIT;
	struct ctl_rewrite w;

	if (ctl_rewrite(&w, FW_IP4, text, size, &resolver, &err) == 0) {
		err.line = (uint32_t)w.n_lines;
		ctl_rewrite_place(&w, &err);
		require(err.line <= size + 1);
	} else {
		tell(&err, text, size);
	}
	ctl_rewrite_deinit(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	text = strndup((const char *)data + 1, size - 1);
	switch (data[0] % 4) {
	case 0: reply((const char *)data + 1, size - 1); break;
	case 1: capture(data + 1, size - 1); break;
	case 2: described(text); break;
	default: names(text, strlen(text));
	}
	free(text);
	return 0;
}
