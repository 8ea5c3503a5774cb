# SPDX-License-Identifier: GPL-2.0-or-later
# -m iprange.
-m iprange --src-range 10.0.0.1-10.0.0.9      => =
                                              => list: source IP range 10.0.0.1-10.0.0.9
-m iprange ! --src-range 10.0.0.1 --dst-range 1.1.1.1-2.2.2.2 => -m iprange ! --src-range 10.0.0.1-10.0.0.1 --dst-range 1.1.1.1-2.2.2.2
                                              => list: source IP range ! 10.0.0.1-10.0.0.1 destination IP range 1.1.1.1-2.2.2.2
-m iprange --src-range 10.0.0.1-x             => words: iprange: Bad value for "--src-range" option: "x"
                                              => exit: 2
-m iprange                                    => words: iprange match: You must specify `--src-range' or `--dst-range'
                                              => exit: 2
