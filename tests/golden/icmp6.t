# SPDX-License-Identifier: GPL-2.0-or-later
# -m icmp6.
@family 6
-p icmpv6 --icmpv6-type echo-request          => -p ipv6-icmp -m icmp6 --icmpv6-type 128
                                              => list: ipv6-icmptype 128
-p ipv6-icmp -m icmpv6 --icmpv6-type 1/4      => -p ipv6-icmp -m icmp6 --icmpv6-type 1/4
                                              => list: ipv6-icmptype 1 code 4
-p icmpv6 ! --icmpv6-type neighbor-solicitation => -p ipv6-icmp -m icmp6 ! --icmpv6-type 135
                                              => list: ipv6-icmp !type 135
-p icmpv6 --icmpv6-type packet-too-big        => -p ipv6-icmp -m icmp6 --icmpv6-type 2
                                              => list: ipv6-icmptype 2
-p icmpv6 --icmpv6-type nope                  => words: Unknown ICMPv6 type `nope'
                                              => exit: 2
