# SPDX-License-Identifier: GPL-2.0-or-later
# -m u32.
@family both
-m u32 --u32 "0>>28=4&&8&0xFF=6,17:20"        => -m u32 --u32 "0x0>>0x1c=0x4&&0x8&0xff=0x6,0x11:0x14"
                                              => list: u32 "0x0>>0x1c=0x4&&0x8&0xff=0x6,0x11:0x14"
-m u32 ! --u32 "0>>22&0x3C@0=1:2"             => -m u32 ! --u32 "0x0>>0x16&0x3c@0x0=0x1:0x2"
                                              => list: u32 ! "0x0>>0x16&0x3c@0x0=0x1:0x2"
-m u32 --u32 "0 & 3 = 1 , 2 : 5 && 0=1"       => -m u32 --u32 "0x0&0x3=0x1,0x2:0x5&&0x0=0x1"
-m u32 --u32 "0=5:1"                          => -m u32 --u32 "0x0=0x5:0x1"
-m u32 --u32 "0=1,2,3,4,5,6,7,8,9,10"         => ok
-m u32 --u32 "0&1&2&3&4&5&6&7&8&9=1"          => ok
-m u32 --u32 "0=1&&0=1&&0=1&&0=1&&0=1&&0=1&&0=1&&0=1&&0=1&&0=1" => ok
-m u32 --u32 "0"                              => words: u32: abrupt end of input after location specifier
                                              => exit: 2
-m u32 --u32 "0=1&&"                          => words: u32: abrupt end of input after location specifier
-m u32 --u32 ""                               => words: u32: abrupt end of input after location specifier
-m u32 --u32 "0="                             => words: u32: test ended with no value specified
-m u32 --u32 "=0"                             => words: u32: at char 0: location spec missing
-m u32 --u32 "0<2=1"                          => words: u32: at char 2: a second '<' was expected
-m u32 --u32 "0>2=1"                          => words: u32: at char 2: a second '>' was expected
-m u32 --u32 "0!2=1"                          => words: u32: at char 1: operator expected
-m u32 --u32 "0=1&2"                          => words: u32: at char 4: a second '&' was expected
-m u32 --u32 "0=&&2"                          => words: u32: at char 3: value spec missing
-m u32 --u32 "0=1;2"                          => words: u32: at char 3: expected "," or "&&"
-m u32 --u32 "99999999999=1"                  => words: u32: at char 0: not a number or out of range
-m u32 --u32 "0=1,2,3,4,5,6,7,8,9,10,11"      => words: u32: at char 25: too many ","s
-m u32 --u32 "0&1&2&3&4&5&6&7&8&9&10=1"       => words: u32: at char 22: too many operators
-m u32 --u32 "0=1&&0=1&&0=1&&0=1&&0=1&&0=1&&0=1&&0=1&&0=1&&0=1&&0=1" => words: u32: at char 53: too many "&&"s
-m u32 --u32 "0<<32=1"                        => error: shifts by more than 31 bits
                                              => words: Invalid argument. Run `dmesg' for more information.
                                              => exit: 1
-m u32                                        => words: u32: option "--u32" must be specified
