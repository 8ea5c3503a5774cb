/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rules files once more (reload.h). */
#include "reload.h"

#include <stdio.h>
#include <string.h>

#include "control/control.h"
#include "load.h"
#include "log.h"
#include "notify.h"

/* The reader of the answer has no text at hand that a place could be about: the message says it. */
static void name_file(struct fw_err *err, const char *file)
{
	struct fw_err named = FW_ERR_INIT;

	if (!*file)
		return;
	if (err->line)
		fw_fail(&named, err->code, "%s:%u:%u: %s", file, err->line, err->column, err->msg);
	else
		fw_fail(&named, err->code, "%s: %s", file, err->msg);
	fw_err_hint(&named, "%s", err->hint);
	*err = named;
}

int fwd_reload(struct fwd *d, struct fw_err *err)
{
	char file[4200];
	int r;

	fwd_notify_reloading();
	fwd_control_reload(d->control);
	r = fwd_load_rules(&d->editor, file, sizeof(file), err);
	if (r) {
		name_file(err, file);
		fwd_log_err(3, NULL, err);
	} else {
		fwd_log(5, "rules files reloaded");
	}
	fwd_notify_reloaded(d, r ? err->msg : NULL);
	return r;
}
