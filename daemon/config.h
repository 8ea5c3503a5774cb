/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration: one table of keys serves the command line (--KEY VALUE) and fwd.conf
 * (KEY = VALUE).
 *
 * Later wins: the defaults, the file (--config, default /etc/fwd/fwd.conf, where a missing default
 * file is fine), FILE.d/NAME.conf in the order of their names, the command line.
 */
#ifndef FWD_CONFIG_H
#define FWD_CONFIG_H

#include "core.h"

#define FWD_TIMEOUTS_MAX 64

struct fwd_timeout {
	char name[40]; /* as fw_ct_set_timeout() takes it */
	uint32_t seconds;
};

struct fwd_options {
	struct fwd_config config; /* what both halves of the daemon see */
	const char *user; /* run as this user after the setup; NULL: stay */
	bool seccomp;
	bool check; /* --check-config */
	bool help, version;
	struct fwd_timeout timeouts[FWD_TIMEOUTS_MAX];
	unsigned int n_timeouts;
	char *strings[64]; /* owns what the pointers above point to */
	unsigned int n_strings;
};

/* Read files and words into *ret (which need not be initialised).  0, or -EINVAL with err and the
 * name of the file that is wrong in file (""; the command line).  Always deinit afterwards. */
int fwd_options_load(struct fwd_options *ret, int argc, char **argv, char *file, size_t size,
		     struct fw_err *err);
void fwd_options_deinit(struct fwd_options *o);

/* One text of a configuration file. */
int fwd_options_parse(struct fwd_options *o, const char *text, size_t len, struct fw_err *err);
void fwd_options_init(struct fwd_options *o);

/* The keys with their help, for --help. */
void fwd_options_help(struct fw_buf *out);

#endif
