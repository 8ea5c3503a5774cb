# SPDX-License-Identifier: GPL-2.0-or-later
# -j HL.
@family 6
@table mangle
@chain FORWARD
-j HL --hl-set 42                             => =
                                              => list: HL set to 42
-j HL --hl-inc 1                              => =
                                              => list: HL increment by 1
-j HL --hl-dec 1                              => =
                                              => list: HL decrement by 1
-j HL --hl-set 256                            => words: HL: bad value for option "--hl-set", or out of range (0-255).
                                              => exit: 2
-j HL --hl-inc 0                              => words: HL: bad value for option "--hl-inc", or out of range (1-255).
                                              => exit: 2
-j HL --hl-dec 1 --hl-inc 1                   => exit: 2
-j HL                                         => words: HL: You must specify an action
                                              => exit: 2
