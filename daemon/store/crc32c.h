/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CRC-32C (Castagnoli), the checksum of frames: finds every burst error of up to 32 bits, which is
 * what a torn write or a bad sector makes.  Pure; any thread.
 */
#ifndef FWD_STORE_CRC32C_H
#define FWD_STORE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* crc: 0 to start, or the result so far. */
uint32_t fwd_crc32c(uint32_t crc, const void *data, size_t len);

#endif
