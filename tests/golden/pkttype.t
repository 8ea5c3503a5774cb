# SPDX-License-Identifier: GPL-2.0-or-later
# -m pkttype.
@family both
-m pkttype --pkt-type unicast                 => =
                                              => list: PKTTYPE = unicast
-m pkttype ! --pkt-type BCAST                 => -m pkttype ! --pkt-type broadcast
                                              => list: PKTTYPE != broadcast
-m pkttype --pkt-type mcast                   => -m pkttype --pkt-type multicast
                                              => list: PKTTYPE = multicast
-m pkttype --pkt-type nope                    => words: Bad packet type 'nope'
                                              => exit: 2
-m pkttype                                    => words: pkttype: option "--pkt-type" must be specified
                                              => exit: 2
