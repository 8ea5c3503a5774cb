# SPDX-License-Identifier: GPL-2.0-or-later
# -m mark and -j MARK.
@family both
@table mangle
@chain PREROUTING
-m mark --mark 10                             => -m mark --mark 0xa
                                              => list: mark match 0xa
-m mark ! --mark 0x10/0xff                    => =
                                              => list: mark match ! 0x10/0xff
-m mark --mark 0x100000000                    => words: mark: bad integer value for option "--mark", or out of range.
                                              => exit: 2
-j MARK --set-mark 5                          => -j MARK --set-xmark 0x5/0xffffffff
                                              => list: MARK set 0x5
-j MARK --set-mark 0x5/0xf                    => -j MARK --set-xmark 0x5/0xf
                                              => list: MARK xset 0x5/0xf
-j MARK --set-xmark 0x5/0xf                   => =
                                              => list: MARK xset 0x5/0xf
-j MARK --and-mark 0xff                       => -j MARK --set-xmark 0x0/0xffffff00
                                              => list: MARK and 0xff
-j MARK --or-mark 0xff                        => -j MARK --set-xmark 0xff/0xff
                                              => list: MARK or 0xff
-j MARK --xor-mark 0xff                       => -j MARK --set-xmark 0xff/0x0
                                              => list: MARK xor 0xff
-j MARK                                       => words: MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required
                                              => exit: 2
