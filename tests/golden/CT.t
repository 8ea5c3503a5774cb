# SPDX-License-Identifier: GPL-2.0-or-later
# -j CT and -j NOTRACK.
@family both
@table raw
@chain PREROUTING
-j NOTRACK                                    => =
                                              => list: NOTRACK
-j CT                                         => =
                                              => list: CT
-j CT --notrack                               => =
                                              => list: CT notrack
-j CT --zone 0                                => -j CT
                                              => list: CT
-j CT --notrack --zone-orig 5 --zone 7        => -j CT --notrack --zone-orig 7
                                              => list: CT notrack zone-orig 7
-j CT --notrack --zone mark                   => =
                                              => list: CT notrack zone mark
-j CT --notrack --ctevents mark,new           => -j CT --notrack --ctevents new,mark
                                              => list: CT notrack ctevents new,mark
-j CT --notrack --expevents new               => =
                                              => list: CT notrack expevents new
-j CT --notrack --helper ftp --timeout t      => =
                                              => list: CT notrack helper ftp timeout t
-j CT --zone 65536                            => words: Cannot parse 65536 as a zone ID
                                              => exit: 2
-j CT --ctevents nothing                      => words: Unknown event type "nothing"
                                              => exit: 2
-j CT --zone 5                                => =
                                              => list: CT zone 5
-j CT --ctevents new                          => =
                                              => list: CT ctevents new
-p tcp -j CT --helper ftp                     => -p tcp -j CT --helper ftp
                                              => list: CT helper ftp
-p tcp -j CT --helper Q.931                   => -p tcp -j CT --helper "Q.931"
-j CT --helper ftp                            => words: No chain/target/match by that name.
                                              => exit: 1
! -p tcp -j CT --helper ftp                   => words: No chain/target/match by that name.
                                              => exit: 1
-j CT --timeout t                             => words: Invalid argument. Run `dmesg' for more information.
                                              => exit: 1
