# SPDX-License-Identifier: GPL-2.0-or-later
# -m tcp and what -p tcp brings along.
@family both
-p tcp -m tcp                                 => =
                                              => list: tcp
-p tcp --dport ssh                            => -p tcp -m tcp --dport 22
                                              => list: tcp dpt:22
-p tcp ! --sport 1024: --dport http:443       => -p tcp -m tcp ! --sport 1024:65535 --dport 80:443
                                              => list: tcp spts:!1024:65535 dpts:80:443
-p tcp --destination-port 22 --source-port :1023 => -p tcp -m tcp --sport 0:1023 --dport 22
                                              => list: tcp spts:0:1023 dpt:22
-p tcp --sport :                              => -p tcp -m tcp
                                              => list: tcp
# 1.8.9 saves this one without its condition, 1.8.11 as we do
-p tcp ! --dport :                             => -p tcp -m tcp ! --dport 0:65535
-p tcp --syn                                  => -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN
                                              => list: tcp flags:0x17/0x02
-p tcp ! --syn                                => -p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN
                                              => list: tcp flags:!0x17/0x02
-p tcp --tcp-flags SYN,RST,ACK SYN            => -p tcp -m tcp --tcp-flags SYN,RST,ACK SYN
                                              => list: tcp flags:0x16/0x02
-p tcp --tcp-flags all none                   => -p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE
                                              => list: tcp flags:0x3F/0x00
-p tcp --tcp-flags NONE NONE                  => -p tcp -m tcp
                                              => list: tcp
-p tcp ! --tcp-option 4                       => -p tcp -m tcp ! --tcp-option 4
                                              => list: tcp option=!4
-p tcp --dport 70000                          => words: invalid port/service `70000' specified
                                              => exit: 2
-p tcp --dport 5:4                            => words: invalid portrange (min > max)
                                              => exit: 2
-p tcp --syn --tcp-flags SYN SYN              => error: conflicts with --syn
                                              => exit: 2
-p tcp --tcp-flags SYN,FOO SYN                => words: Unknown TCP flag `FOO'
                                              => exit: 2
