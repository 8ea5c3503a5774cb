# SPDX-License-Identifier: GPL-2.0-or-later
# -m sctp and -m dccp.
@family both
-p sctp --dport 5                             => -p sctp -m sctp --dport 5
                                              => list: sctp dpt:5
-p sctp -m sctp --sport : --chunk-types any DATA:Be,INIT => -p sctp -m sctp --sport 0:65535 --chunk-types any DATA:Be,INIT
                                              => list: sctp any 0x0000:Be,0x0001
-p sctp -m sctp ! --chunk-types all none      => -p sctp -m sctp ! --chunk-types all NONE
                                              => list: sctp ! all NONE
-p sctp -m sctp --chunk-types only ASCONF,ABORT:T => -p sctp -m sctp --chunk-types only ABORT:T,ASCONF
                                              => list: sctp only 0x0006:T,0x00C1
-p sctp -m sctp --chunk-types some DATA       => words: Match type has to be one of "ALL", "ANY" or "ONLY"
                                              => exit: 2
-p sctp -m sctp --chunk-types any DATA:X      => words: Invalid flags for chunk type 0
                                              => exit: 2
-p sctp -m sctp --chunk-types any NOPE        => words: Unknown sctp chunk `NOPE'
                                              => exit: 2
-p dccp --sport 5 ! --dport 7:9               => -p dccp -m dccp --sport 5 ! --dport 7:9
                                              => list: dccp spt:5 dpts:!7:9
-p dccp -m dccp --dccp-types REQUEST,invalid  => -p dccp -m dccp --dccp-types REQUEST,INVALID
                                              => list: dccp 0,10,11,12,13,14,15
-p dccp -m dccp ! --dccp-types ACK --dccp-option 4 => =
                                              => list: dccp ! 3 option=4
-p dccp -m dccp --dccp-types nope             => words: Unknown DCCP type `nope'
                                              => exit: 2
