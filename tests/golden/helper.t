# -m helper
@family both
@chain INPUT
-m helper --helper ftp                        => -m helper --helper ftp
                                              => list: helper match "ftp"
-m helper ! --helper "sip 1"                  => -m helper ! --helper "sip 1"
                                              => list: helper match ! "sip 1"
-m helper                                     => exit: 2
