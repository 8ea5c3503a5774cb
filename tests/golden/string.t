# SPDX-License-Identifier: GPL-2.0-or-later
# -m string.
@family both
-m string --string "a b" --algo bm            => =
                                              => list: STRING match  "a b" ALGO name bm
-m string ! --string "a\"b'c" --algo kmp --from 5 --to 10 --icase => =
                                              => list: STRING match ! "a\"b'c" ALGO name kmp FROM 5 TO 10 ICASE
-m string --algo bm --string abc --from 0 --to 65535 => -m string --string "abc" --algo bm
-m string --hex-string "|0d 0a|x" --algo bm   => -m string --hex-string "|0d0a78|" --algo bm
                                              => list: STRING match  "|0d0a78|" ALGO name bm
-m string --hex-string "abc|20|d" --algo bm   => -m string --string "abc d" --algo bm
-m string --hex-string "a\\|b" --algo bm      => -m string --string "a|b" --algo bm
-m string --string "a\\" --algo bm            => -m string --hex-string "|615c|" --algo bm
-m string --string "a\\b" --algo bm           => =
-m string --string "ä" --algo bm              => -m string --hex-string "|c3a4|" --algo bm
-m string --string "" --algo bm               => error: there is nothing to look for
                                              => words: Invalid argument. Run `dmesg' for more information.
                                              => exit: 1
-m string --string a --algo fsm               => error: is none of bm kmp
                                              => exit: 1
-m string --string a --algo nope              => words: No chain/target/match by that name.
                                              => exit: 1
-m string --string a --algo bm --from 9 --to 8 => error: --to 8 lies before --from 9
                                              => exit: 1
-m string --algo bm                           => words: STRING match: You must specify `--string' or `--hex-string'
                                              => exit: 2
-m string --string a                          => words: string: option "--algo" must be specified
-m string --string a --hex-string b --algo bm => words: string: option "--string" cannot be used together with "--hex-string".
-m string --hex-string "|0" --algo bm         => words: Odd number of hex digits
-m string --hex-string "|0g|" --algo bm       => words: Invalid hex char 'g'
-m string --hex-string "|00" --algo bm        => words: Invalid hex block
-m string --hex-string "" --algo bm           => words: STRING must contain at least one char
-m string --hex-string "a\\" --algo bm        => words: Bad literal placement at end of string
-m string --hex-string "|00\\|" --algo bm     => words: Cannot include literals in hex data
-m string --string a --algo bm --from 65536   => words: string: bad value for option "--from", or out of range (0-65535).
-m string --algo bm --string 12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678 => ok
-m string --algo bm --string 12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678x => error: has more than 128 bytes
                                              => exit: 2
-m string --hex-string "|e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5|" --algo bm => =
-m string --hex-string "|e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5|" --algo bm => error: has more than 128 bytes
