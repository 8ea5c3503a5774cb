# SPDX-License-Identifier: GPL-2.0-or-later
# -j CT and -j NOTRACK.  Zones, events, helpers and timeout policies are refused where a rule is to
# be made, not where its words are read.
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
-j CT --zone 5                                => exit: 2
-j CT --helper ftp                            => exit: 2
-j CT --ctevents new                          => exit: 2
