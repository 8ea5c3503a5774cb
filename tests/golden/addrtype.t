# SPDX-License-Identifier: GPL-2.0-or-later
# -m addrtype.
-m addrtype --src-type LOCAL                  => =
                                              => list: ADDRTYPE match src-type LOCAL
-m addrtype ! --dst-type unicast,LOC --limit-iface-in => -m addrtype ! --dst-type UNICAST,LOCAL --limit-iface-in
                                              => list: ADDRTYPE match dst-type !UNICAST,LOCAL limit-in
-m addrtype --src-type BROADCAST ! --dst-type MULTICAST,ANYCAST => -m addrtype --src-type BROADCAST ! --dst-type ANYCAST,MULTICAST
                                              => list: ADDRTYPE match src-type BROADCAST dst-type !ANYCAST,MULTICAST
-m addrtype --src-type LOCAL --limit-iface-out => words: Invalid argument. Run `dmesg' for more information.
                                              => exit: 1
-m addrtype --src-type nope                   => words: addrtype: bad type "nope"
                                              => exit: 2
-m addrtype --limit-iface-in                  => words: addrtype: you must specify --src-type or --dst-type
                                              => exit: 2
