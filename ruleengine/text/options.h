/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options that may be given once, as bits, and the commands beside which they make sense. */
#ifndef FW_OPTIONS_H
#define FW_OPTIONS_H

#define OPT_NUMERIC     0x001
#define OPT_SOURCE      0x002
#define OPT_DESTINATION 0x004
#define OPT_PROTOCOL    0x008
#define OPT_JUMP        0x010
#define OPT_EXACT       0x020
#define OPT_IN          0x040
#define OPT_OUT         0x080
#define OPT_NUMBERS     0x100
#define OPT_COUNTERS    0x200
#define OPT_FRAGMENT    0x400
#define OPT_VERBOSE     0x800

#endif
