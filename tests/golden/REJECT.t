# SPDX-License-Identifier: GPL-2.0-or-later
# -j REJECT.
@chain FORWARD
-j REJECT                                     => -j REJECT --reject-with icmp-port-unreachable
                                              => list: reject-with icmp-port-unreachable
-j REJECT --reject-with icmp-net-unreachable  => =
                                              => list: reject-with icmp-net-unreachable
-j REJECT --reject-with host-unreach          => -j REJECT --reject-with icmp-host-unreachable
                                              => list: reject-with icmp-host-unreachable
-j REJECT --reject-with icmp-proto            => -j REJECT --reject-with icmp-proto-unreachable
                                              => list: reject-with icmp-proto-unreachable
-j REJECT --reject-with net-prohib            => -j REJECT --reject-with icmp-net-prohibited
                                              => list: reject-with icmp-net-prohibited
-j REJECT --reject-with icmp-host-prohibited  => =
                                              => list: reject-with icmp-host-prohibited
-j REJECT --reject-with icmp-admin-prohibited => =
                                              => list: reject-with icmp-admin-prohibited
-p tcp -j REJECT --reject-with tcp-reset      => =
                                              => list: reject-with tcp-reset
-j REJECT --reject-with tcp-reset             => words: Invalid argument. Run `dmesg' for more information.
                                              => exit: 1
! -p tcp -j REJECT --reject-with tcp-reset    => words: Invalid argument. Run `dmesg' for more information.
                                              => exit: 1
-j REJECT --reject-with nope                  => words: unknown reject type "nope"
                                              => exit: 2
