/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration: files, command line, which wins, and what an error says and where. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "config.h"
#include "http/endpoint.h"

static int parse(struct fwd_options *o, const char *text, struct fw_err *err)
{
	*err = (struct fw_err)FW_ERR_INIT;
	return fwd_options_parse(o, text, strlen(text), err);
}

static int load(struct fwd_options *o, int argc, const char **argv, char *file, size_t size,
		struct fw_err *err)
{
	return fwd_options_load(o, argc, (char **)argv, file, size, err);
}

static void defaults(void **state)
{
	struct fwd_options o;

	fwd_options_init(&o);
	assert_string_equal(o.config.rules, "/etc/fwd/rules.v4");
	assert_string_equal(o.config.state_dir, "/var/lib/fwd");
	assert_int_equal(o.config.queues, 1);
	assert_int_equal(o.config.queue_base, 64000);
	assert_false(o.config.fail_open);
	assert_true(o.config.persist);
	assert_int_equal(o.config.ct.max_flows, 262144);
	fwd_options_deinit(&o);
}

static void every_kind(void **state)
{
	struct fwd_options o;
	struct fw_err err;

	fwd_options_init(&o);
	assert_int_equal(parse(&o,
			       "# a comment\n\n; another\n  socket =  /run/x y.sock \nqueues=4\n"
			       "fail = open\npersist = off\nconntrack-max = 1000\nrules6 =\n"
			       "conntrack-tcp-timeout-established = 3600\nconntrack-acct = on",
			       &err),
			 0);
	assert_string_equal(o.config.socket, "/run/x y.sock");
	assert_int_equal(o.config.queues, 4);
	assert_true(o.config.fail_open);
	assert_false(o.config.persist);
	assert_int_equal(o.config.ct.max_flows, 1000);
	assert_true(o.config.ct.acct);
	assert_null(o.config.rules6);
	assert_int_equal(o.n_timeouts, 1);
	assert_string_equal(o.timeouts[0].name, "tcp_timeout_established");
	assert_int_equal(o.timeouts[0].seconds, 3600);
	fwd_options_deinit(&o);
}

static void places_of_errors(void **state)
{
	static const struct {
		const char *text, *msg;
		uint32_t line, column;
	} rows[] = {
		{"queues = 1\nqueue = 2\n", "unknown key 'queue'", 2, 1},
		{"\n  qeues = 1", "unknown key 'qeues'", 2, 3},
		{"queues = 17", "queues: '17' is not in 1..16", 1, 10},
		{"queues = 0", "queues: '0' is not in 1..16", 1, 10},
		{"queues =", "queues: '' is not in 1..16", 1, 9},
		{"queues = 1 2", "queues: '1 2' is not in 1..16", 1, 10},
		{"fail = maybe", "fail: 'maybe' is neither 'open' nor 'closed'", 1, 8},
		{"persist = yes", "persist: 'yes' is neither 'on' nor 'off'", 1, 11},
		{"persist on", "'persist on' is not KEY = VALUE", 1, 1},
	};

	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		struct fwd_options o;
		struct fw_err err;

		fwd_options_init(&o);
		assert_true(parse(&o, rows[i].text, &err) < 0);
		assert_string_equal(err.msg, rows[i].msg);
		assert_int_equal(err.line, rows[i].line);
		assert_int_equal(err.column, rows[i].column);
		fwd_options_deinit(&o);
	}
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* File, then FILE.d in order, then the command line. */
static void later_wins(void **state)
{
	char dir[] = "/tmp/fwd-config-XXXXXX", conf[64], path[128], file[256] = "";
	struct fw_err err = FW_ERR_INIT;
	struct fwd_options o;

	assert_non_null(mkdtemp(dir));
	snprintf(conf, sizeof(conf), "%s/f", dir);
	write_file(conf, "queues = 2\nqueue-base = 100\nqueue-len = 100\nmark-shift = 1\n");
	snprintf(path, sizeof(path), "%s/f.d", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/f.d/20.conf", dir);
	write_file(path, "queue-base = 300\nqueue-len = 300\n");
	snprintf(path, sizeof(path), "%s/f.d/10.conf", dir);
	write_file(path, "queues = 3\nqueue-base = 200\n");
	snprintf(path, sizeof(path), "%s/f.d/30.conf.bak", dir);
	write_file(path, "this is not read\n");

	const char *argv[] = {"fwd", "--queue-len=400", "--config", conf, "--fail", "open"};

	assert_int_equal(load(&o, 6, argv, file, sizeof(file), &err), 0);
	assert_int_equal(o.config.mark_shift, 1);
	assert_int_equal(o.config.queues, 3);
	assert_int_equal(o.config.queue_base, 300);
	assert_int_equal(o.config.queue_len, 400);
	assert_true(o.config.fail_open);
	fwd_options_deinit(&o);

	snprintf(path, sizeof(path), "%s/f.d/20.conf", dir);
	write_file(path, "queue-base = many\n");
	assert_true(load(&o, 6, argv, file, sizeof(file), &err) < 0);
	assert_string_equal(file, path);
	assert_int_equal(err.line, 1);
	fwd_options_deinit(&o);

	snprintf(path, sizeof(path), "rm -r %s", dir);
	assert_int_equal(system(path), 0);
}

static void command_line(void **state)
{
	static const struct {
		const char *words[3], *msg;
	} rows[] = {
		{{"--quees", "1"}, "unknown key 'quees'"}, {{"--queues"}, "--queues needs a value"},
		{{"--quees"}, "unknown key 'quees'"},	   {{"--config"}, "--config needs a value"},
		{{"-q"}, "'-q' is not an option"},	   {{"start"}, "'start' is not an option"},
		{{"--"}, "'--' is not an option"},
	};

	for (size_t i = 0; i < FW_ARRAY_SIZE(rows); i++) {
		const char *argv[4] = {"fwd", rows[i].words[0], rows[i].words[1]};
		struct fw_err err = FW_ERR_INIT;
		struct fwd_options o;
		char file[64];

		assert_true(load(&o, rows[i].words[1] ? 3 : 2, argv, file, sizeof(file), &err) < 0);
		assert_string_equal(err.msg, rows[i].msg);
		assert_string_equal(file, "");
		fwd_options_deinit(&o);
	}
}

/* --metrics: an address and a port, in numbers. */
static void endpoints(void **state)
{
	static const struct {
		const char *text;
		int family; /* 0: refused */
	} rows[] = {
		{"127.0.0.1:9470", AF_INET}, {"0.0.0.0:65535", AF_INET}, {"[::1]:1", AF_INET6},
		{"[::]:9470", AF_INET6},     {"::1:9470", 0},		 {"[::1]", 0},
		{"[::1]9470", 0},	     {"[127.0.0.1]:80", 0},	 {"127.0.0.1", 0},
		{"127.0.0.1:0", 0},	     {"127.0.0.1:65536", 0},	 {"127.0.0.1:", 0},
		{":9470", 0},		     {"[:9470", 0},		 {"localhost:9470", 0},
		{"[]:9470", 0},		     {"127.0.0.1:http", 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fw_err err = FW_ERR_INIT;
		struct sockaddr_storage addr;
		socklen_t len = 0;
		int r = fwd_endpoint_parse(rows[i].text, &addr, &len, &err);

		assert_int_equal(r, rows[i].family ? 0 : -EINVAL);
		if (!r)
			assert_int_equal(addr.ss_family, rows[i].family);
		else
			assert_non_null(strstr(err.msg, rows[i].text));
	}
}

static void missing_file(void **state)
{
	const char *argv[] = {"fwd", "--config", "/nowhere/fwd.conf"};
	char file[64];
	struct fw_err err = FW_ERR_INIT;
	struct fwd_options o;

	assert_true(load(&o, 3, argv, file, sizeof(file), &err) < 0);
	assert_string_equal(file, "/nowhere/fwd.conf");
	fwd_options_deinit(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),	    cmocka_unit_test(every_kind),
		cmocka_unit_test(places_of_errors), cmocka_unit_test(later_wins),
		cmocka_unit_test(command_line),	    cmocka_unit_test(missing_file),
		cmocka_unit_test(endpoints),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
