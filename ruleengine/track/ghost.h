/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What became of a rejected first packet's flow (ghost.c). */
#ifndef FW_TRACK_GHOST_H
#define FW_TRACK_GHOST_H

#include "track/track.h"

struct ct_ghost {
	struct ct_note note;
	bool alias; /* under the tuple behind the translation; the ghost stands under flow.orig */
	struct fw_flow flow;
	struct fw_flow_ext ext;
};
#define CT_GHOSTS_MAX 4096

#endif
