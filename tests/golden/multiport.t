# SPDX-License-Identifier: GPL-2.0-or-later
# -m multiport.
@family both
-p tcp -m multiport --dports ssh,80:90,443    => -p tcp -m multiport --dports 22,80:90,443
                                              => list: multiport dports 22,80:90,443
-p udp -m multiport ! --sports 53             => =
                                              => list: multiport sports  !53
-p sctp -m multiport --ports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15 => =
                                              => list: multiport ports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
-p tcp -m multiport --destination-ports 22    => -p tcp -m multiport --dports 22
                                              => list: multiport dports 22
-p tcp -m multiport --ports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15:16 => words: too many ports specified
                                              => exit: 2
-p tcp -m multiport --dports 9:8              => words: invalid portrange specified
                                              => exit: 2
-p icmp -m multiport --dports 9               => words: multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP
                                              => exit: 2
-m multiport --dports 9                       => words: multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'
                                              => exit: 2
-p tcp -m multiport                           => words: multiport expection an option
                                              => exit: 2
