# SPDX-License-Identifier: GPL-2.0-or-later
# Port shifts: DNAT's, and what iptables makes of them elsewhere.
@family both
@table nat
@chain PREROUTING
-p tcp -j DNAT --to-destination :1000-2000/3000         => =
-p tcp -j DNAT --to-destination :1000-1000/80 --random  => -p tcp -j DNAT --to-destination :1000/80 --random
-p udp -j DNAT --to-destination :1000-2000/0x50         => -p udp -j DNAT --to-destination :1000-2000/80
-p tcp -j DNAT --to-destination :1000-2000/http         => -p tcp -j DNAT --to-destination :1000-2000/80
-p tcp -j DNAT --to-destination :1000-2000/5x           => -p tcp -j DNAT --to-destination :1000-2000/5
-p tcp -j DNAT --to-destination :1000-2000/0            => words: Port `0' not valid
                                                        => exit: 2
-p tcp -j DNAT --to-destination :1000-2000/             => words: Port `' not valid
-p tcp -j DNAT --to-destination :1000-2000/65536        => words: Port `65536' not valid
-p tcp -j DNAT --to-destination :1000-2000/nosuch       => words: Port `nosuch' not valid
-p tcp -j DNAT --to-destination :1000/80                => =
-p tcp -j DNAT --to-destination :1000x                  => words: Garbage after port value: `x'
-p tcp -j REDIRECT --to-ports 42/567                    => words: Garbage after port value: `/567'
-p tcp -j DNAT --to-destination :1000-2000x             => words: Garbage after port range: `x'
-p tcp -j DNAT --to-destination :2000-1000/5            => words: Port range `1000/5' funky
-p tcp -j DNAT --to-destination :70000                  => words: Port `70000' not valid
-p tcp -j DNAT --to-destination :1-70000                => words: Port `70000' not valid
-j DNAT --to-destination :1000-2000/3000                => words: Need TCP, UDP, SCTP or DCCP with port specification
-p tcp -j REDIRECT --to-ports 42-1234/567               => words: Shifted portmap ranges not supported with this kernel
                                                        => exit: 2
-p tcp -j REDIRECT --to-ports 42:1234                   => words: Invalid port:port syntax - use dash
@chain POSTROUTING
-p tcp -j MASQUERADE --to-ports 42-1234/567             => -p tcp -j MASQUERADE --to-ports 42-1234/0
-p tcp -j MASQUERADE --to-ports 42-1234/0               => =
@family 4
@chain PREROUTING
-p tcp -j DNAT --to-destination 1.1.1.1-1.1.1.9:1000-2000/3000 => =
@chain POSTROUTING
-p tcp -j SNAT --to-source 1.1.1.1:42-1234/567          => -p tcp -j SNAT --to-source 1.1.1.1:42-1234/0
@family 6
@chain PREROUTING
-p tcp -j DNAT --to-destination [dead::1]:1000-2000/3000 => =
@chain POSTROUTING
-p tcp -j SNAT --to-source [dead::1]:42-1234/567        => -p tcp -j SNAT --to-source [dead::1]:42-1234/0
