# SPDX-License-Identifier: GPL-2.0-or-later
# -m hl.
@family 6
-m hl --hl-eq 3                               => =
                                              => list: HL match HL == 3
-m hl ! --hl-eq 3                             => =
                                              => list: HL match HL != 3
-m hl --hl-lt 3                               => =
                                              => list: HL match HL < 3
-m hl --hl-gt 3                               => =
                                              => list: HL match HL > 3
-m hl                                         => words: HL match: You must specify one of `--hl-eq', `--hl-lt', `--hl-gt'
                                              => exit: 2
