/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recent lists on a line: questions in on stdin, answers out on stdout.
 *
 *	list NAME HITCOUNT MASK    a rule that uses a list (IPv4)
 *	TIME_NS NAME OP ADDR TTL SECONDS HITCOUNT FLAGS
 *	                           OP: set rcheck update remove; FLAGS: "-" or letters of
 *	                           r (--reap), t (--rttl), ! (negated).  Prints 1 or 0: does the
 *	                           rule match
 *	TIME_NS NAME show          the list, sorted by nothing, as /proc shows it; "." at its end
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fw/recent.h"

static const char *const ops[] = {
	[FW_RECENT_SET] = "set",
	[FW_RECENT_RCHECK] = "rcheck",
	[FW_RECENT_UPDATE] = "update",
	[FW_RECENT_REMOVE] = "remove",
};

static struct {
	char name[32];
	struct fw_recent_list *list;
} lists[64];
static size_t n_lists;

static struct fw_recent_list *find(const char *name)
{
	for (size_t i = 0; i < n_lists; i++)
		if (strcmp(lists[i].name, name) == 0)
			return lists[i].list;
	return NULL;
}

static int use_list(struct fw_recent *r, char *const *w)
{
	union fw_addr mask;

	memset(&mask, 0xff, sizeof(mask));
	if (n_lists == FW_ARRAY_SIZE(lists) || inet_pton(AF_INET, w[3], &mask) != 1)
		return -1;
	snprintf(lists[n_lists].name, sizeof(lists[n_lists].name), "%s", w[1]);
	lists[n_lists].list = fw_recent_get(r, w[1], (uint32_t)atoi(w[2]), &mask, FW_IP4, NULL);
	return lists[n_lists++].list ? 0 : -1;
}

static int ask(char *const *w)
{
	struct fw_recent_list *list = find(w[1]);
	union fw_addr addr = {.u64 = {0}};
	struct fw_recent_query q = {
		.ttl = (uint8_t)atoi(w[4]),
		.seconds = (uint32_t)atoi(w[5]),
		.hitcount = (uint32_t)atoi(w[6]),
		.reap = strchr(w[7], 'r'),
		.rttl = strchr(w[7], 't'),
		.invert = strchr(w[7], '!'),
	};
	size_t op = 0;

	while (op < FW_ARRAY_SIZE(ops) && strcmp(ops[op], w[2]) != 0)
		op++;
	if (!list || op == FW_ARRAY_SIZE(ops) || inet_pton(AF_INET, w[3], &addr) != 1)
		return -1;
	q.op = (enum fw_recent_op)op;
	printf("%d\n", fw_recent_match(list, FW_IP4, &addr, &q, strtoull(w[0], NULL, 10)) != q.invert);
	return 0;
}

static int show(struct fw_recent *r, char *const *w)
{
	struct fw_buf b = FW_BUF_INIT;
	uint64_t cursor = 0;
	int rc;

	do
		rc = fw_recent_print(r, w[1], &cursor, 64, &b);
	while (!rc && cursor);
	printf("%s.\n", fw_buf_cstr(&b));
	fw_buf_deinit(&b);
	return rc;
}

static int one_line(struct fw_recent *r, char *line)
{
	char *w[9], *save;
	size_t n = 0;

	for (char *p = strtok_r(line, " \n", &save); p && n < 9; p = strtok_r(NULL, " \n", &save))
		w[n++] = p;
	if (n == 4 && strcmp(w[0], "list") == 0)
		return use_list(r, w);
	if (n == 3 && strcmp(w[2], "show") == 0)
		return show(r, w);
	return n == 8 ? ask(w) : -1;
}

int main(void)
{
	struct fw_recent *r = fw_recent_new(1, 0);
	char *line = NULL;
	size_t room = 0;
	int rc = r ? 0 : -1;

	for (unsigned long n = 1; !rc && getline(&line, &room, stdin) > 0; n++) {
		rc = one_line(r, line);
		if (rc < 0)
			fprintf(stderr, "fwrecent: line %lu: what is this?\n", n);
	}
	free(line);
	fw_recent_free(r);
	return rc < 0;
}
