# SPDX-License-Identifier: GPL-2.0-or-later
# -j REJECT for IPv6.
@family 6
@chain FORWARD
-j REJECT                                     => -j REJECT --reject-with icmp6-port-unreachable
                                              => list: reject-with icmp6-port-unreachable
-j REJECT --reject-with no-route              => -j REJECT --reject-with icmp6-no-route
                                              => list: reject-with icmp6-no-route
-j REJECT --reject-with adm-prohibited        => -j REJECT --reject-with icmp6-adm-prohibited
                                              => list: reject-with icmp6-adm-prohibited
-j REJECT --reject-with icmp6-addr-unreachable => =
                                              => list: reject-with icmp6-addr-unreachable
-j REJECT --reject-with port-unreach          => -j REJECT --reject-with icmp6-port-unreachable
                                              => list: reject-with icmp6-port-unreachable
-j REJECT --reject-with policy-fail           => -j REJECT --reject-with icmp6-policy-fail
                                              => list: reject-with icmp6-policy-fail
-j REJECT --reject-with icmp6-reject-route    => =
                                              => list: reject-with icmp6-reject-route
-p tcp -j REJECT --reject-with tcp-rst        => words: unknown reject type "tcp-rst"
                                              => exit: 2
-p tcp -j REJECT --reject-with tcp-reset      => =
                                              => list: reject-with tcp-reset
-j REJECT --reject-with icmp-port-unreachable => words: unknown reject type "icmp-port-unreachable"
                                              => exit: 2
