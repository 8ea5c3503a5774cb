/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's connection helpers by number, so that four of our mark bits can say whose child an
 * expected connection is (fw/mark.h) and a flow remembers it in a byte.
 */
#ifndef FW_HELPER_H
#define FW_HELPER_H

#include "fw/types.h"

/* No helper; one that has no number here; the first of those that have one. */
enum { FW_HELPER_NONE, FW_HELPER_OTHER, FW_HELPER_NAMED, FW_N_HELPERS = 15 };

/* What the kernel calls it, for FW_HELPER_NAMED and up; else, for any other number, NULL.  A constant;
 * any thread. */
const char *fw_helper_name(unsigned int helper);

#endif
