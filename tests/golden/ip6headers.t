# SPDX-License-Identifier: GPL-2.0-or-later
# Matches on IPv6's extension headers, and ipcomp.
@family 6
-m frag --fragid 0x10                         => -m frag --fragid 16
                                              => list: frag id:16
-m frag ! --fragid 1:5 --fraglen 8 --fragres --fragfirst --fragmore => =
                                              => list: frag ids:!1:5 length:8 reserved first more
-m frag --fraglast                            => =
                                              => list: frag  last
-m frag ! --fraglen 8                         => =
                                              => list: frag  length:!8
-m frag --fragid 0:4294967295                 => -m frag
-m frag --fragmore --fraglast                 => words: frag: option "--fragmore" cannot be used together with "--fraglast".
                                              => exit: 2
-m frag --fragid x                            => words: frag: bad value for option "--fragid" near "x", or out of range (0-4294967295).
-m hbh ! --hbh-len 8 --hbh-opts 1:2,23:0x2a,4,8:255 => -m hbh ! --hbh-len 8 --hbh-opts 1:2,23:42,4,8
                                              => list: hbh length:!8 opts 1:2,23:42,4,8
-m hbh --hbh-opts 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16 => =
-m hbh --hbh-opts 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17 => words: too many addresses specified
                                              => exit: 2
-m hbh --hbh-opts 256                         => error: is no list of TYPE[:LEN] up to 255
-m hbh --hbh-opts x                           => words: hbh: no valid digits in opt `x'
-m dst --dst-len 8 --dst-opts 149:92,12:12    => =
                                              => list: dst length:8 opts 149:92,12:12
-m dst --dst-opts 1:                          => words: dst: no valid digits in opt `1:'
-m dst                                        => =
                                              => list: dst
-m eui64                                      => =
-m ipv6header --header hop,frag --soft        => -m ipv6header --header hop-by-hop,ipv6-frag --soft
                                              => list: ipv6header flags:0x90 soft
-m ipv6header ! --header prot                 => -m ipv6header ! --header protocol
                                              => list: ipv6header flags:!0x01
-m ipv6header ! --header 0,60,43,44,51,50,59,255 => -m ipv6header ! --header hop-by-hop,ipv6-opts,ipv6-route,ipv6-frag,ah,esp,ipv6-nonxt,protocol
-m ipv6header --header nope                   => words: unknown header `nope' specified
                                              => exit: 2
-m ipv6header --soft                          => words: ipv6header: option "--header" must be specified
-p mh -m mh --mh-type 1                       => -p mobility-header -m mh --mh-type 1
                                              => list: mh 1
-p mh ! --mh-type binding-update:6            => -p mobility-header -m mh ! --mh-type 5:6
                                              => list: mh !5:6
-p mh -m mh --mh-type bu                      => -p mobility-header -m mh --mh-type 5
-p mh -m mh --mh-type 3:                      => -p mobility-header -m mh --mh-type 3:255
-p mh -m mh --mh-type 0:255                   => -p mobility-header -m mh
-p mh -m mh --mh-type 256                     => words: Invalid MH type `256'
                                              => exit: 2
-p mh -m mh --mh-type 5:2                     => words: Invalid MH type range (min > max)
-m mh                                         => exit: 1
-m srh --srh-next-hdr 17 --srh-hdr-len-eq 8 --srh-segs-left-eq 1 --srh-last-entry-eq 4 --srh-tag 0 => =
                                              => list: srh next-hdr:17 hdr-len-eq:8 segs-left-eq:1 last-entry-eq:4 tag:0
-m srh ! --srh-hdr-len-gt 8 ! --srh-segs-left-lt 1 => =
                                              => list: srh hdr-len-gt:!8 segs-left-lt:!1
-m srh --srh-psid a::/64 --srh-nsid b::/128 ! --srh-lsid c:: => -m srh --srh-psid a::/64 --srh-nsid b::/128 ! --srh-lsid c::/128
                                              => list: srh psid  a::/64 nsid  b::/128 lsid ! c::/128
-m srh --srh-next-hdr 256                     => words: srh: bad value for option "--srh-next-hdr", or out of range (0-255).
                                              => exit: 2
@chain OUTPUT
-m eui64                                      => exit: 1
@chain INPUT
@family both
-p ipcomp -m ipcomp --ipcompspi 1:5           => =
                                              => list: comp spis:1:5
-p ipcomp -m ipcomp ! --ipcompspi 0x10 --compres => -p ipcomp -m ipcomp ! --ipcompspi 16 --compres
                                              => list: comp spi:!16 reserved
-p ipcomp -m ipcomp                           => -p ipcomp -m ipcomp --ipcompspi 0
-p 108 -m ipcomp --ipcompspi 4:               => -p ipcomp -m ipcomp --ipcompspi 4:4294967295
-p ipcomp -m ipcomp --ipcompspi :             => -p ipcomp -m ipcomp --ipcompspi 0:4294967295
-m ipcomp --ipcompspi 4                       => exit: 1
