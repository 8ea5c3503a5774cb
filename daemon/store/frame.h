/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Frames: how restore text lies on disk.
 *
 * Snapshot and journal are both a row of frames.  A frame is one header line and a body; the
 * header starts with '#', so the whole file still reads as restore text:
 *
 *	#fwd1 SEQ KIND FAMILY FLAGS LENGTH CRC
 *	BODY, LENGTH bytes, and a newline that is not counted
 *
 * CRC is CRC-32C, in hex, of the header up to the blank before it and of the body.  Pure: bytes in,
 * bytes out; any thread.
 */
#ifndef FWD_STORE_FRAME_H
#define FWD_STORE_FRAME_H

#include <sys/types.h>

#include "fw/buf.h"
#include "fw/types.h"

enum fwd_frame_kind {
	FWD_FRAME_EDIT, /* journal: an acknowledged transaction's text */
	FWD_FRAME_RULES, /* snapshot: one family, as save -c prints it */
	FWD_FRAME_RECENT, /* snapshot: fw_recent_dump() */
	FWD_FRAME_FLOWS, /* flows: fw_ct_dump() */
	FWD_FRAME_END, /* snapshot: it is complete; the body is the wall clock in ns */
	FWD_N_FRAME_KINDS
};

struct fwd_frame {
	uint64_t seq; /* number of the edit; in a snapshot: of the last edit it holds */
	enum fwd_frame_kind kind;
	enum fw_family family;
	unsigned int flags; /* FW_TX_NOFLUSH, FW_TX_COUNTERS */
	char table[FW_NAME_SIZE]; /* the only table to apply; "": all */
	const char *body; /* borrowed */
	size_t len;
};

/* Append the frame.  Out of memory: fw_buf_ok(out) tells. */
void fwd_frame_write(const struct fwd_frame *frame, struct fw_buf *out);

/*
 * Read the frame at the start of data; ret->body points into data.
 *
 * Bytes taken, or 0 when the bytes are no whole and sound frame: then *why says what is wrong with
 * them (static text).  ret is untouched then.
 */
size_t fwd_frame_read(const char *data, size_t len, struct fwd_frame *ret, const char **why);

#endif
