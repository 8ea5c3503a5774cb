# SPDX-License-Identifier: GPL-2.0-or-later
# How a translation chooses among addresses and ports: which target takes which of these words.
@family both
@table nat
@chain PREROUTING
-j REDIRECT --random                            => =
                                                => list: random
-p tcp -j REDIRECT --random --to-ports 80-90    => -p tcp -j REDIRECT --to-ports 80-90 --random
-p tcp -j REDIRECT --random-fully               => words: unknown option "--random-fully"
                                                => exit: 2
-p tcp -j REDIRECT --persistent                 => words: unknown option "--persistent"
-p tcp -j DNAT --to-destination :80 --persistent --random => -p tcp -j DNAT --to-destination :80 --random --persistent
-p tcp -j DNAT --to-destination :80 --random-fully => words: unknown option "--random-fully"
@chain POSTROUTING
-j MASQUERADE --random-fully                    => =
-j MASQUERADE --random-fully --random           => -j MASQUERADE --random --random-fully
-p udp -j MASQUERADE --random --to-ports 99     => -p udp -j MASQUERADE --to-ports 99 --random
-j MASQUERADE --persistent                      => words: unknown option "--persistent"
@family 4
-j SNAT --to-source 1.1.1.1-1.1.1.9 --persistent => =
-p tcp -j SNAT --persistent --random-fully --random --to-source 1.1.1.1:99 => -p tcp -j SNAT --to-source 1.1.1.1:99 --random --random-fully --persistent
-j NETMAP --to 1.0.0.0/8 --random               => words: unknown option "--random"
-j NETMAP --to 1.0.0.0/8 --persistent           => words: unknown option "--persistent"
-j NETMAP --to 1.0.2.0/255.0.255.0              => =
@family 6
-j SNAT --to-source dead::1-dead::9 --persistent => =
-p tcp -j SNAT --to-source [dead::1]:99 --random-fully => =
-j NETMAP --to dead::/64 --random-fully         => words: unknown option "--random-fully"
