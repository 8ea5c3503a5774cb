# SPDX-License-Identifier: GPL-2.0-or-later
# -j DSCP.
@family both
@table mangle
@chain FORWARD
-j DSCP --set-dscp 0                          => -j DSCP --set-dscp 0x00
                                              => list: DSCP set 0x00
-j DSCP --set-dscp-class EF                   => -j DSCP --set-dscp 0x2e
                                              => list: DSCP set 0x2e
-j DSCP --set-dscp-class be                   => -j DSCP --set-dscp 0x00
-j DSCP --set-dscp 64                         => words: DSCP: bad value for option "--set-dscp", or out of range (0-63).
                                              => exit: 2
-j DSCP --set-dscp-class XX                   => words: Invalid DSCP value `XX'
                                              => exit: 2
-j DSCP                                       => words: DSCP target: Parameter --set-dscp is required
                                              => exit: 2
