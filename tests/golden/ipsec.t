# SPDX-License-Identifier: GPL-2.0-or-later
# -m esp and -m ah.
-p esp -m esp                                 => =
                                              => list: esp
-p esp -m esp --espspi 5:                     => -p esp -m esp --espspi 5:4294967295
                                              => list: esp spis:5:4294967295
-p esp -m esp ! --espspi 0x10                 => -p esp -m esp ! --espspi 16
                                              => list: esp spi:!16
-p ah -m ah --ahspi :5                        => -p ah -m ah --ahspi 0:5
                                              => list: ah spis:0:5
-p ah -m ah ! --ahspi 5                       => =
                                              => list: ah spi:!5
-m esp --espspi 5                             => words: Invalid argument. Run `dmesg' for more information.
                                              => exit: 1
# 1.8.9 takes this one, 1.8.11 does not
-p esp -m esp --espspi 6:5                     => exit: 2
