# SPDX-License-Identifier: GPL-2.0-or-later
# -m udp.
@family both
-p udp -m udp                                 => =
                                              => list: udp
-p udp --dport domain                         => -p udp -m udp --dport 53
                                              => list: udp dpt:53
-p udp ! --sport 1024: --dport 53:            => -p udp -m udp ! --sport 1024:65535 --dport 53:65535
                                              => list: udp spts:!1024:65535 dpts:53:65535
-p udp --sport 5:5                            => -p udp -m udp --sport 5
                                              => list: udp spt:5
