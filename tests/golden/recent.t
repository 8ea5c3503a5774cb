# SPDX-License-Identifier: GPL-2.0-or-later
# -m recent.
-m recent --set                               => -m recent --set --name DEFAULT --mask 255.255.255.255 --rsource
                                              => list: recent: SET name: DEFAULT side: source mask: 255.255.255.255
-m recent --set --name ssh --rdest            => -m recent --set --name ssh --mask 255.255.255.255 --rdest
                                              => list: recent: SET name: ssh side: dest mask: 255.255.255.255
-m recent ! --rcheck --seconds 60 --hitcount 4 --rttl --name g1 => -m recent ! --rcheck --seconds 60 --hitcount 4 --rttl --name g1 --mask 255.255.255.255 --rsource
                                              => list: ! recent: CHECK seconds: 60 hit_count: 4 TTL-Match name: g1 side: source mask: 255.255.255.255
-m recent --update --reap --seconds 60 --name g2 --mask 255.255.255.0 => -m recent --update --seconds 60 --reap --name g2 --mask 255.255.255.0 --rsource
                                              => list: recent: UPDATE seconds: 60 reap name: g2 side: source mask: 255.255.255.0
-m recent --remove --name g3 --rsource        => -m recent --remove --name g3 --mask 255.255.255.255 --rsource
                                              => list: recent: REMOVE name: g3 side: source mask: 255.255.255.255
-m recent --rcheck --hitcount 0 --name g4     => -m recent --rcheck --name g4 --mask 255.255.255.255 --rsource
                                              => list: recent: CHECK name: g4 side: source mask: 255.255.255.255
-m recent --set --rcheck                      => words: recent: option "--set" cannot be used together with "--rcheck".
                                              => exit: 2
-m recent --set --seconds 5                   => words: Invalid argument. Run `dmesg' for more information.
                                              => exit: 1
-m recent --rcheck --reap                     => words: recent: option "--reap" also requires "--seconds".
                                              => exit: 2
-m recent --rcheck --name a/b                 => words: Invalid argument. Run `dmesg' for more information.
                                              => exit: 1
-m recent                                     => words: recent: you must specify one of `--set', `--rcheck' `--update' or `--remove'
                                              => exit: 2
