# SPDX-License-Identifier: GPL-2.0-or-later
# -j CONNMARK.
@family both
@table mangle
@chain PREROUTING
-j CONNMARK --restore-mark                    => -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff
                                              => list: CONNMARK restore
-j CONNMARK --save-mark                       => -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff
                                              => list: CONNMARK save
-j CONNMARK --save-mark --mask 0xff           => -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff
                                              => list: CONNMARK save mask 0xff
-j CONNMARK --save-mark --nfmask 0xff         => -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xffffffff
                                              => list: CONNMARK save nfmask 0xff ctmask ~0xffffffff
-j CONNMARK --restore-mark --nfmask 0xf --ctmask 0xff => =
                                              => list: CONNMARK restore ctmask 0xff nfmask ~0xf
-j CONNMARK --set-mark 5                      => -j CONNMARK --set-xmark 0x5/0xffffffff
                                              => list: CONNMARK set 0x5
-j CONNMARK --set-mark 0x5/0xf                => -j CONNMARK --set-xmark 0x5/0xf
                                              => list: CONNMARK xset 0x5/0xf
-j CONNMARK --and-mark 0xff                   => -j CONNMARK --set-xmark 0x0/0xffffff00
                                              => list: CONNMARK and 0xff
-j CONNMARK --or-mark 0xff                    => -j CONNMARK --set-xmark 0xff/0xff
                                              => list: CONNMARK or 0xff
-j CONNMARK --xor-mark 0xff                   => -j CONNMARK --set-xmark 0xff/0x0
                                              => list: CONNMARK xor 0xff
-j CONNMARK --save-mark --left-shift-mark 4   => -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff --left-shift-mark 4
                                              => list: CONNMARK save left-shift-mark 4
-j CONNMARK --set-xmark 0x1/0x3 --right-shift-mark 2 => =
                                              => list: CONNMARK xset 0x1/0x3 right-shift-mark 2
-j CONNMARK                                   => words: CONNMARK target: No operation specified
                                              => exit: 2
-j CONNMARK --set-mark 1 --save-mark          => words: CONNMARK: option "--save-mark" cannot be used together with "--set-mark".
                                              => exit: 2
