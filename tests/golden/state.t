# SPDX-License-Identifier: GPL-2.0-or-later
# -m state and -m conntrack.
-m state --state ESTABLISHED,RELATED          => -m state --state RELATED,ESTABLISHED
                                              => list: state RELATED,ESTABLISHED
-m state ! --state new,inv                    => -m state ! --state INVALID,NEW
                                              => list: ! state INVALID,NEW
-m state --state UNTRACKED                    => =
                                              => list: state UNTRACKED
-m state --state SNAT                         => words: Bad state "SNAT"
                                              => exit: 2
-m state                                      => words: state: option "--state" must be specified
                                              => exit: 2
-m conntrack --ctstate RELATED,ESTABLISHED    => =
                                              => list: ctstate RELATED,ESTABLISHED
-m conntrack ! --ctstate SNAT,DNAT,NEW        => -m conntrack ! --ctstate NEW,SNAT,DNAT
                                              => list: ! ctstate NEW,SNAT,DNAT
# 1.8.9 loses such a mask when it saves
-m conntrack --ctproto udp --ctorigsrc 10.0.0.0/8 ! --ctrepldst 10.1.2.3/255.0.255.0 => -m conntrack --ctproto 17 --ctorigsrc 10.0.0.0/8 ! --ctrepldst 10.1.2.3/255.0.255.0
-m conntrack --ctorigdst 10.0.0.1 ! --ctreplsrc 10.1.2.3/32 => -m conntrack --ctorigdst 10.0.0.1 ! --ctreplsrc 10.1.2.3
                                              => list: ctorigdst 10.0.0.1 ! ctreplsrc 10.1.2.3
-m conntrack --ctorigsrcport 1024: ! --ctrepldstport 53:53 => -m conntrack --ctorigsrcport 1024:65535 ! --ctrepldstport 53
                                              => list: ctorigsrcport 1024:65535 ! ctrepldstport 53
-m conntrack --ctstatus ASSURED,SEEN_REPLY ! --ctexpire 10:20 => -m conntrack --ctstatus SEEN_REPLY,ASSURED ! --ctexpire 10:20
                                              => list: ctstatus SEEN_REPLY,ASSURED ! ctexpire 10:20
-m conntrack --ctdir REPLY --ctstatus NONE    => -m conntrack --ctstatus NONE --ctdir REPLY
                                              => list: ctstatus NONE ctdir REPLY
-m conntrack --ctdir original                 => -m conntrack --ctdir ORIGINAL
                                              => list: ctdir ORIGINAL
# 1.8.9 takes this one, 1.8.11 does not
-m conntrack --ctproto 0                       => exit: 2
-m conntrack --ctstate nope                   => words: Bad ctstate "nope"
                                              => exit: 2
-m conntrack                                  => words: conntrack: At least one option is required
                                              => exit: 2
