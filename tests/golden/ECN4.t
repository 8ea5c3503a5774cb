# SPDX-License-Identifier: GPL-2.0-or-later
# -j ECN.
@table mangle
@chain FORWARD
-p tcp -j ECN --ecn-tcp-remove                => =
                                              => list: ECN TCP remove
-p tcp -j ECN --ecn-tcp-ece 1 --ecn-tcp-cwr 0 => =
                                              => list: ECN ECE=1 CWR=0
-p tcp -j ECN --ecn-tcp-cwr 0 --ecn-tcp-ece 0 => -p tcp -j ECN --ecn-tcp-remove
                                              => list: ECN TCP remove
-j ECN --ecn-ip-ect 3                         => =
                                              => list: ECN ECT codepoint=3
-p tcp -j ECN --ecn-tcp-remove --ecn-ip-ect 1 => -p tcp -j ECN --ecn-tcp-ece 0 --ecn-tcp-cwr 0 --ecn-ip-ect 1
                                              => list: ECN ECE=0 CWR=0 ECT codepoint=1
-p tcp -j ECN --ecn-ip-ect 1 --ecn-tcp-remove => -p tcp -j ECN --ecn-tcp-remove
-j ECN --ecn-tcp-remove                       => error: the bits of TCP exist in TCP only
                                              => exit: 1
-p tcp -j ECN                                 => words: ECN target: An operation is required
                                              => exit: 2
