# SPDX-License-Identifier: GPL-2.0-or-later
# -m tos, -m dscp and -m ecn.
@family both
-m tos --tos Minimize-Delay                   => -m tos --tos 0x10/0x3f
                                              => list: tos match0x10/0x3f
-m tos ! --tos 8                              => -m tos ! --tos 0x08/0xff
                                              => list: tos match!0x08/0xff
-m tos --tos 0x10/0x1c                        => =
                                              => list: tos match0x10/0x1c
-m tos --tos 256                              => words: Symbolic name "256" is unknown
                                              => exit: 2
-m tos                                        => words: tos: option "--tos" must be specified
                                              => exit: 2
-m dscp --dscp 46                             => -m dscp --dscp 0x2e
                                              => list: DSCP match 0x2e
-m dscp ! --dscp-class AF11                   => -m dscp ! --dscp 0x0a
                                              => list: DSCP match !0x0a
-m dscp --dscp 64                             => words: dscp: bad value for option "--dscp", or out of range (0-63).
                                              => exit: 2
-m dscp --dscp-class nope                     => words: Invalid DSCP value `nope'
                                              => exit: 2
-m dscp                                       => words: DSCP match: Parameter --dscp is required
                                              => exit: 2
-p tcp -m ecn ! --ecn-tcp-cwr --ecn-tcp-ece --ecn-ip-ect 2 => -p tcp -m ecn --ecn-tcp-ece ! --ecn-tcp-cwr --ecn-ip-ect 2
                                              => list: ECN match ECE !CWR ECT=2
-m ecn ! --ecn-ip-ect 0                       => =
                                              => list: ECN match !ECT=0
-m ecn --ecn-tcp-cwr                          => words: Invalid argument. Run `dmesg' for more information.
                                              => exit: 1
-m ecn --ecn-ip-ect 4                         => words: ecn: bad value for option "--ecn-ip-ect", or out of range (0-3).
                                              => exit: 2
-m ecn                                        => words: ECN match: some option required
                                              => exit: 2
