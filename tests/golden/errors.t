# SPDX-License-Identifier: GPL-2.0-or-later
# Refusals: iptables' words (scripts match on them), exit codes, and our own better words.
@setup :foo - [0:0]
@setup :bar - [0:0]
@setup -A INPUT -j foo
@setup -A FORWARD -s 1.1.1.1 -g foo
@setup -A bar -j ACCEPT
-p tcp -p udp              => words: multiple -p flags not allowed
                           => exit: 2
                           => at: 8+2
$ -L -F                    => words: Cannot use -F with -L
$ -L -L                    => words: Cannot use -L with -L
$ -Z -Z                    => words: Cannot use -Z with -Z
! -v                       => words: cannot have ! before -v
-n                         => words: Illegal option `-n' with this command
$ -A                       => words: option "-A" requires an argument
--nope                     => words: unknown option "--nope"
                           => at: 1+6
foo                        => words: Bad argument `foo'
$ -n                       => words: no command specified
-s 1.2.3.4/33              => words: invalid mask `33' specified
                           => at: 12+2
-s nosuch.invalid          => words: host/network `nosuch.invalid' not found
                           => exit: 2
                           => at: 4+14
-s 1.1.1.1,x               => at: 12+1
-s 1.2.3.256               => words: host/network `1.2.3.256' not found
-o eth0                    => words: Can't use -o with INPUT
$ -A OUTPUT -i eth0        => words: Can't use -i with OUTPUT
! -s 1.1.1.1,2.2.2.2       => words: ! not allowed with multiple source or destination IP addresses
! -j ACCEPT                => words: cannot have ! before -j
! ! -s 1.1.1.1             => words: multiple consecutive ! not allowed
-s 1.1.1.1 !               => words: nothing appropriate following !
-c 5                       => words: -c requires packet and byte counter
-c x 5                     => words: -c packet counter not numeric
-c 5 x                     => words: -c byte counter not numeric
-p nope                    => words: unknown protocol "nope" specified
-p 256                     => words: unknown protocol "256" specified
! -p all                   => words: rule would never match protocol
-j nope                    => words: Couldn't load target `nope':No such file or directory
                           => exit: 2
-j fo                      => hint: did you mean foo?
-j RJECT                   => error: no chain `RJECT'
-g nope                    => words: goto 'nope' is not a chain
                           => exit: 2
-p NoPe                    => words: unknown protocol "nope" specified
-m nope                    => words: Couldn't load match `nope':No such file or directory
                           => exit: 2
-m comentt                 => hint: did you mean comment?
-j ''                      => error: no chain
-j ""                      => words: Invalid target name (too short)
-j aaaaaaaaaaaaaaaaaaaaaaaaaaaaa => words: Invalid target name `aaaaaaaaaaaaaaaaaaaaaaaaaaaaa' (28 chars max)
-j A -j B                  => words: multiple -j flags not allowed
-i 1234567890123456        => words: interface name `1234567890123456' must be shorter than IFNAMSIZ (15)
-i ""                      => words: Empty interface is likely to be undesired
-p tcp --dport 70000       => words: invalid port/service `70000' specified
                           => at: 16+5
-p tcp -m tcp --foo        => words: unknown option "--foo"
-p tcp --dportt 5          => hint: did you mean --dport?
-m tcp --dport 80          => words: Invalid argument. Run `dmesg' for more information.
                           => exit: 1
                           => error: tcp: the rule must say -p tcp
-p udp -m tcp --dport 80   => code: place
! -p tcp -m tcp --dport 80 => code: place
--source                   => words: option "--source" requires an argument
--d 1                      => words: unknown option "--d"
-q                         => words: unknown option "-q"
--jump=                    => words: Invalid target name (too short)
-6                         => exit: 2
$ -w x -L                  => words: wait seconds not numeric
$ -D INPUT 0               => words: Invalid rule number `0'
                           => at: 10+1
$ -I INPUT x -j ACCEPT     => words: Invalid rule number `x'
$ -R INPUT                 => words: -R requires a rule number
$ -R INPUT 1 -s 1.1.1.1,2.2.2.2 => words: Replacement rule does not specify a unique address
$ -E foo                   => words: -E requires old-chain-name and new-chain-name
$ -P INPUT                 => words: -P requires a chain and a policy
$ -P INPUT ACCEPT -j DROP  => words: Illegal option `-j' with this command
$ -P INPUT FOO             => words: Bad policy name. Run `dmesg' for more information.
                           => exit: 1
$ -P INPUT RETURN          => exit: 1
$ -P foo DROP              => words: Bad built-in chain name.
$ -P nope DROP             => words: Bad built-in chain name.
$ -N DROP                  => words: chain name may not clash with target name
$ -N LOG                   => words: chain name may not clash with target name
$ -N -x                    => words: chain name not allowed to start with `-'
$ -N !x                    => words: chain name not allowed to start with `!'
$ -N "a b"                 => words: Invalid chain name `a b'
$ -N aaaaaaaaaaaaaaaaaaaaaaaaaaaaa => words: chain name `aaaaaaaaaaaaaaaaaaaaaaaaaaaaa' too long (must be under 29 chars)
$ -A aaaaaaaaaaaaaaaaaaaaaaaaaaaaa => words: chain name `aaaaaaaaaaaaaaaaaaaaaaaaaaaaa' too long (must be under 29 chars)
$ -N foo                   => words: Chain already exists.
$ -N INPUT                 => words: Chain already exists.
$ -X foo                   => words: Too many links.
                           => exit: 1
                           => error: used by INPUT rule 1, FORWARD rule 1
$ -X bar                   => words: Directory not empty.
$ -X INPUT                 => words: Invalid argument. Run `dmesg' for more information.
$ -X nope                  => words: No chain/target/match by that name.
                           => exit: 1
$ -F INPTU                 => hint: did you mean INPUT?
                           => words: No chain/target/match by that name.
$ -C nope -j DROP          => words: Bad rule (does a matching rule exist in that chain?).
$ -A nope -j DROP          => words: No chain/target/match by that name.
$ -L -n -s -x              => words: host/network `-x' not found
-p tcp --tcp-flags SYN -j DROP => words: --tcp-flags requires two args.
$ -E foo bar               => words: File exists.
$ -E INPUT baz             => words: No chain/target/match by that name.
$ -D INPUT -j DROP         => words: Bad rule (does a matching rule exist in that chain?).
$ -C INPUT -j DROP         => words: Bad rule (does a matching rule exist in that chain?).
$ -D INPUT 9               => words: Index of deletion too big.
$ -I INPUT 9               => words: Index of insertion too big.
$ -R INPUT 9               => words: Index of replacement too big.
$ -Z INPUT 9               => words: Index of counter too big.
$ -A foo -j foo            => words: Too many levels of symbolic links.
                           => exit: 1
$ -A foo -j bar            => ok
$ -L INPUT extra words     => words: Invalid rule number `extra'
$ -L INPUT -v words        => words: Bad argument `words'
$ -F a b                   => words: Bad argument `b'
$ -t nope -L               => words: can't initialize iptables table `nope': Table does not exist (do you need to insmod?)
                           => exit: 3
@reset
@table nat
@chain PREROUTING
-j DROP                    => words: The "nat" table is not intended for filtering, the use of DROP is therefore inhibited.
                           => exit: 2
$ -P PREROUTING DROP       => words: The "nat" table is not intended for filtering, the use of DROP is therefore inhibited.
@reset
@table mangle
-j REJECT                  => words: Invalid argument. Run `dmesg' for more information.
                           => exit: 1
                           => error: REJECT may not stand in table mangle
@reset
@setup :foo - [0:0]
@setup -A OUTPUT -j foo
$ -A foo -m mac --mac-source 00:11:22:33:44:55 => error: mac cannot work in rule 1 of chain foo: packets come there from OUTPUT
                           => exit: 1
$ -A OUTPUT -m mac --mac-source 00:11:22:33:44:55 => exit: 1
$ -A INPUT -m mac --mac-source 00:11:22:33:44:55  => ok
@reset
@setup :foo - [0:0]
@setup -A foo -m mac --mac-source 00:11:22:33:44:55
$ -A OUTPUT -j foo         => error: mac cannot work in rule 1 of chain foo
$ -A INPUT -j foo          => ok
@reset
@setup :a - [0:0]
@setup :b - [0:0]
@setup -A a -j b
@setup -A b -j a
$ -A INPUT -s 1.1.1.1 -j a => error: jumps go round in a circle
$ -A INPUT -s 1.1.1.1 -j ACCEPT => ok
