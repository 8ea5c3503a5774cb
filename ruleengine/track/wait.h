/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is noted of first packets that others wait for (wait.c). */
#ifndef FW_TRACK_WAIT_H
#define FW_TRACK_WAIT_H

#include "track/notes.h"
#include "track/track.h"

struct ct_waited {
	struct ct_note note;
	struct fw_tuple orig; /* its flow's first */
};

#define CT_WAITED_MAX 4096

#endif
