# SPDX-License-Identifier: GPL-2.0-or-later
# -j TCPOPTSTRIP.
@family both
@table mangle
@chain FORWARD
-p tcp -j TCPOPTSTRIP                         => =
                                              => list:
-p tcp -j TCPOPTSTRIP --strip-options timestamp,mss,77=> -p tcp -j TCPOPTSTRIP --strip-options 2,8,77
                                              => list: TCPOPTSTRIP options 2,8,77
-p tcp -j TCPOPTSTRIP --strip-options 1,2     => words: Option value may not be 0 or 1
                                              => exit: 2
-p tcp -j TCPOPTSTRIP --strip-options 2,mss   => words: Option "mss" already specified
                                              => exit: 2
-p tcp -j TCPOPTSTRIP --strip-options x       => words: Bad TCP option value "x"
                                              => exit: 2
-j TCPOPTSTRIP --strip-options 3              => error: the rule must say -p tcp
