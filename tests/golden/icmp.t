# SPDX-License-Identifier: GPL-2.0-or-later
# -m icmp: names, cut short or not, and numbers.
-p icmp --icmp-type ping                      => -p icmp -m icmp --icmp-type 8
                                              => list: icmptype 8
-p icmp --icmp-type echo-rep                  => -p icmp -m icmp --icmp-type 0
                                              => list: icmptype 0
-p icmp ! --icmp-type any                     => -p icmp -m icmp ! --icmp-type any
                                              => list: icmp !type 255
-p icmp --icmp-type 3/4                       => -p icmp -m icmp --icmp-type 3/4
                                              => list: icmptype 3 code 4
-p icmp --icmp-type port-unreachable          => -p icmp -m icmp --icmp-type 3/3
                                              => list: icmptype 3 code 3
-p icmp --icmp-type tos-host-redirect         => -p icmp -m icmp --icmp-type 5/3
                                              => list: icmptype 5 code 3
# 1.8.9 saves this one as "any", which it also means in the kernel; 1.8.11 as we do
-p icmp --icmp-type 255/9                      => -p icmp -m icmp --icmp-type 255/9
-p icmp --icmp-type echo                      => words: Ambiguous ICMP type `echo': `echo-reply' or `echo-request'?
                                              => exit: 2
-p icmp --icmp-type nope                      => words: Unknown ICMP type `nope'
                                              => exit: 2
-p icmp --icmp-type 256                       => words: Unknown ICMP type `256'
                                              => exit: 2
