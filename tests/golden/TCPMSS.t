# SPDX-License-Identifier: GPL-2.0-or-later
# -j TCPMSS.
@family both
@table mangle
@chain FORWARD
-p tcp --syn -j TCPMSS --set-mss 42           => -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j TCPMSS --set-mss 42
                                              => list: tcp flags:0x17/0x02 TCPMSS set 42
-p tcp -m tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu=> =
                                              => list: tcp flags:0x06/0x02 TCPMSS clamp to PMTU
-p tcp -j TCPMSS --set-mss 42                 => error: must match TCP SYNs only
-p tcp -m tcp ! --tcp-flags SYN,RST SYN -j TCPMSS --set-mss 42=> error: must match TCP SYNs only
-p tcp --syn -j TCPMSS                        => words: TCPMSS target: At least one parameter is required
                                              => exit: 2
-p tcp --syn -j TCPMSS --set-mss 65530        => exit: 2
-j TCPMSS --set-mss 42                        => error: the rule must say -p tcp
-p tcp --syn -j TCPMSS --set-mss 42 --clamp-mss-to-pmtu => error: conflict
-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu --set-mss 42 => exit: 2
@chain INPUT
-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu    => error: packets come there from INPUT
-p tcp -m tcp --tcp-flags SYN SYN -j TCPMSS --set-mss 9 => =
