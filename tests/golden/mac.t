# SPDX-License-Identifier: GPL-2.0-or-later
# -m mac.
@family both
-m mac --mac-source 02:00:00:00:00:01         => =
                                              => list: MAC 02:00:00:00:00:01
-m mac ! --mac-source A:B:C:D:E:F             => -m mac ! --mac-source 0a:0b:0c:0d:0e:0f
                                              => list: MAC ! 0a:0b:0c:0d:0e:0f
-m mac --mac-source 02:00:00:00:00            => words: Invalid MAC address specified.
                                              => exit: 2
-m mac                                        => words: mac: option "--mac-source" must be specified
                                              => exit: 2
