# SPDX-License-Identifier: GPL-2.0-or-later
# -j CHECKSUM.
@family both
@table mangle
@chain FORWARD
-j CHECKSUM --checksum-fill                   => =
                                              => list: CHECKSUM fill
-j CHECKSUM                                   => exit: 2
