# SPDX-License-Identifier: GPL-2.0-or-later
# -j TOS.
@family both
@table mangle
@chain FORWARD
-j TOS --set-tos 0x1f                         => -j TOS --set-tos 0x1f/0xff
                                              => list: TOS set 0x1f/0xff
-j TOS --set-tos 0x1f/0x1f                    => =
-j TOS --set-tos Minimize-Delay               => -j TOS --set-tos 0x10/0x3f
                                              => list: TOS set 0x10/0x3f
-j TOS --and-tos 0x12                         => -j TOS --set-tos 0x00/0xed
-j TOS --or-tos 0x12                          => -j TOS --set-tos 0x12/0x12
-j TOS --xor-tos 0x12                         => -j TOS --set-tos 0x12/0x00
-j TOS --set-tos 1 --or-tos 2                 => words: TOS: option "--set-tos" cannot be used together with "--or-tos".
                                              => exit: 2
-j TOS --set-tos nothing                      => words: Symbolic name "nothing" is unknown
                                              => exit: 2
-j TOS                                        => words: TOS: An action is required
                                              => exit: 2
