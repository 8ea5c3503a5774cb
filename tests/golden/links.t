# SPDX-License-Identifier: GPL-2.0-or-later
# What depends on interfaces and routes: devgroup, physdev, realm, rpfilter.
@family both
@chain FORWARD
-m devgroup --dst-group 1 ! --src-group 0x10/0xff => -m devgroup ! --src-group 0x10/0xff --dst-group 0x1
                                              => list: ! src-group 0x10/0xff dst-group 0x1
-m devgroup --src-group default               => =
                                              => list: src-group 0x0
-m devgroup --src-group nope                  => words: devgroup: could not map name nope to an integer value for option "--src-group".
                                              => exit: 2
-m devgroup                                   => words: devgroup match: You must specify either '--src-group' or '--dst-group'
-m physdev ! --physdev-in eth+ --physdev-is-in --physdev-is-bridged ! --physdev-out eth1 => -m physdev --physdev-is-in ! --physdev-in eth+ ! --physdev-out eth1 --physdev-is-bridged
                                              => list: PHYSDEV match --physdev-is-in ! --physdev-in eth+ ! --physdev-out eth1 --physdev-is-bridged
-m physdev --physdev-is-out                   => =
-m physdev                                    => words: PHYSDEV: no physdev option specified
                                              => exit: 2
-m physdev --physdev-in 1234567890123456      => words: interface name `1234567890123456' must be shorter than IFNAMSIZ (15)
@chain INPUT
-m devgroup --src-group 1                     => -m devgroup --src-group 0x1
-m devgroup --dst-group 1                     => exit: 1
@chain OUTPUT
-m devgroup --src-group 1                     => exit: 1
-m physdev --physdev-out eth0                 => exit: 1
-m physdev --physdev-out eth0 --physdev-is-bridged => ok
-m physdev --physdev-in eth0                  => ok
@chain INPUT
@family 4
-m realm ! --realm 0x10/0xff                  => =
                                              => list: ! realm 0x10/0xff
-m realm --realm cosmos                       => =
                                              => list: realm 0x0
-m realm --realm nope                         => words: realm: could not map name nope to an integer value for option "--realm".
                                              => exit: 2
-m realm                                      => words: realm: option "--realm" must be specified
@table mangle
@chain POSTROUTING
-m physdev --physdev-is-bridged --physdev-out eth0 => ok
-m physdev --physdev-in eth0                  => exit: 1
@table filter
@chain INPUT
@family 6
-m realm --realm 1                            => exit: 2
@family both
-m rpfilter                                   => exit: 1
@table raw
@chain PREROUTING
-m rpfilter --loose --validmark --accept-local --invert => =
                                              => list: rpfilter loose validmark accept-local invert
-m rpfilter ! --invert                        => words: rpfilter: option "--invert" cannot be inverted.
                                              => exit: 2
