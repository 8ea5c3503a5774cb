/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Built without an HTTP server (http/http.h): whoever asks for one is told. */
#include "http/http.h"

int fwd_http_open(struct fwd_http **ret, struct fwd *d, struct fw_err *err)
{
	if (!d->options.config.metrics)
		return 0;
	fw_fail(err, FW_ERR_UNSUPPORTED, "metrics: this fwd is built without an HTTP server");
	fw_err_hint(err, "the same text comes from `fwctl metrics`");
	return -1;
}

struct fwd_http *fwd_http_close(struct fwd_http *h)
{
	return NULL;
}

bool fwd_http_built(void)
{
	return false;
}
