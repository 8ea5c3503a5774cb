# SPDX-License-Identifier: GPL-2.0-or-later
# -j CLASSIFY.
@family both
@table mangle
@chain FORWARD
-j CLASSIFY --set-class 1:ffff                => -j CLASSIFY --set-class 0001:ffff
                                              => list: CLASSIFY set 1:ffff
-j CLASSIFY --set-class 5                     => words: Bad class value "5"
                                              => exit: 2
-j CLASSIFY                                   => exit: 2
@chain PREROUTING
-j CLASSIFY --set-class 1:2                   => error: packets come there from PREROUTING
