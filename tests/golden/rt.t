# SPDX-License-Identifier: GPL-2.0-or-later
# -m rt.
@family 6
-m rt                                         => =
                                              => list: rt
-m rt --rt-type 0                             => =
                                              => list: rt type:0
-m rt ! --rt-type 2 --rt-len 24               => =
                                              => list: rt type:!2 length:24
-m rt --rt-segsleft 3                         => =
                                              => list: rt segsleft:3
-m rt --rt-segsleft 3:                        => -m rt --rt-segsleft 3:4294967295
                                              => list: rt segslefts:3:4294967295
-m rt --rt-segsleft :                         => -m rt
-m rt ! --rt-segsleft :                       => -m rt ! --rt-segsleft 0:4294967295
-m rt --rt-segsleft 4:3                       => exit: 2
-m rt --rt-type 0 --rt-0-res                  => =
                                              => list: rt type:0 reserved
-m rt --rt-type 0 --rt-0-addrs ::1,2001:db8::1 --rt-0-not-strict => =
                                              => list: rt type:0 0-addrs ::1,2001:db8::1 0-not-strict
-m rt --rt-0-res                              => words: `--rt-type 0' required before `--rt-0-res'
                                              => exit: 2
-m rt ! --rt-type 0 --rt-0-addrs ::1          => words: `--rt-type 0' required before `--rt-0-addrs'
                                              => exit: 2
-m rt --rt-type 0 --rt-0-not-strict           => words: `--rt-0-addr ...' required before `--rt-0-not-strict'
                                              => exit: 2
-m rt --rt-type 0 --rt-0-addrs ::1,x          => words: bad address: x
                                              => exit: 2
