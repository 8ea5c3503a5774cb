# SPDX-License-Identifier: GPL-2.0-or-later
# The generic part of a rule: addresses, interfaces, protocol, fragments, targets.
-s 1.2.3.4                       => -s 1.2.3.4/32
-s 1.2.3.4/24                    => -s 1.2.3.0/24
-s 10/8 -d 1.2                   => -s 10.0.0.0/8 -d 1.2.0.0/32
-s 1.2.3.4/255.255.0.0           => -s 1.2.0.0/16
-s 1.2.3.4/255.0.255.0           => -s 1.0.3.0/255.0.255.0
-s 0x7f.0.0.010                  => -s 127.0.0.8/32
-s 0/0                           =>
-s anything/0 -j ACCEPT          => -j ACCEPT
! -s 0/0                         => ! -s 0.0.0.0/0
-s 1.1.1.1,2.2.2.2/8 -d 3.3.3.3,4.4.4.4 -j DROP => -s 1.1.1.1/32 -d 3.3.3.3/32 -j DROP ; -s 1.1.1.1/32 -d 4.4.4.4/32 -j DROP ; -s 2.0.0.0/8 -d 3.3.3.3/32 -j DROP ; -s 2.0.0.0/8 -d 4.4.4.4/32 -j DROP
-s two.example -j DROP           => -s 192.0.2.1/32 -j DROP ; -s 192.0.2.2/32 -j DROP
-s ! 1.2.3.4                     => ! -s 1.2.3.4/32
--source 1.2.3.4 --dst 5.6.7.8   => -s 1.2.3.4/32 -d 5.6.7.8/32
--src=1.2.3.4 --destination 5.6.7.8 => -s 1.2.3.4/32 -d 5.6.7.8/32
--sou 1.2.3.4                    => -s 1.2.3.4/32
-s1.2.3.4 -jDROP                 => -s 1.2.3.4/32 -j DROP
-i eth0                          => =
-i eth+ -j RETURN                => =
! -i eth0 -j ACCEPT              => =
-i + -j ACCEPT                   => -j ACCEPT
! -i + -j ACCEPT                 => =
-p tcp                           => =
-p TCP -j ACCEPT                 => -p tcp -j ACCEPT
-p 6                             => -p tcp
-p 0 -j ACCEPT                   => -j ACCEPT
-p all -j ACCEPT                 => -j ACCEPT
! -p udp -j ACCEPT               => =
-p 47                            => -p gre
-p 200                           => =
-p icmpv6                        => -p ipv6-icmp
-p tcp --dport ssh               => -p tcp -m tcp --dport 22
-p 6 --dport 22                  => -p tcp -m tcp --dport 22
-p tcp --dp 22                   => -p tcp -m tcp --dport 22
-p tcp --dpo 22                  => -p tcp -m tcp --dport 22
-p tcp --syn ! --dport 80 -j ACCEPT => -p tcp -m tcp ! --dport 80 --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT
-f -j DROP                       => =
! -f -j DROP                     => =
-j ACCEPT                        => list:
-j ACCEPT -p tcp -s 9.9.9.9      => -s 9.9.9.9/32 -p tcp -j ACCEPT
-m comment --comment "a b"       => =
-m comment --comment a           => =
-m comment --comment "it's a \"\\\" b" => -m comment --comment "it\'s a \"\\\" b"
-m comment --comment ""          => ok
-s 1.2.3.4 -c 5 6 -j DROP        => sends: -A INPUT -s 1.2.3.4/32 -c 5 6 -j DROP
-w -s 1.2.3.4                    => -s 1.2.3.4/32
-w 5 -s 1.2.3.4                  => -s 1.2.3.4/32
--wait=5 -s 1.2.3.4              => -s 1.2.3.4/32
-w5 -v -s 1.2.3.4                => -s 1.2.3.4/32
-4 -j ACCEPT                     => -j ACCEPT
--modprobe=/sbin/modprobe -j ACCEPT => -j ACCEPT
-M /sbin/modprobe -j ACCEPT => -j ACCEPT

@setup :web - [0:0]
-p tcp --dport 80 -j web         => -p tcp -m tcp --dport 80 -j web
-g web                           => =
-g web                           => list: [goto]
$ -A web -j INPUT                => error: cannot jump to built-in chain INPUT
                                 => exit: 1
$ -I INPUT -s 1.1.1.1,2.2.2.2    => -s 2.2.2.2/32 ; -s 1.1.1.1/32
$ -nvL                           => ok
$ -L web -n -v -x --line-numbers => sends: -L web -n -v -x --line-numbers
$ -wnxvL                         => sends: -L -n -v -x
$ -vnL INPUT -Z                  => sends: -L INPUT -n -v -Z
$ -Z -L web                      => sends: -L web -Z
$ --list-rules web 1             => sends: -S web 1
$ -D INPUT 3                     => error: chain INPUT has 0 rules, so there is no place 3
$ -P INPUT DROP -c 5 6           => sends: -P INPUT DROP -c 5 6
$ -E web www                     => ok
$ -N foo                         => sends: -N foo
$ -X                             => ok
$ -F                             => ok
$ -Z web                         => sends: -Z web
@chain OUTPUT
-o lo -j ACCEPT                  => =
@reset
@chain FORWARD
-i eth0 -o ppp+ -j ACCEPT        => =
! -o ppp+ ! -i lo -j ACCEPT      => ! -i lo ! -o ppp+ -j ACCEPT

@reset
@family 6
-s ::1                           => -s ::1/128
-s 2001:db8::5/64                => -s 2001:db8::/64
-s 2001:DB8::1/ffff::            => -s 2001::/16
-s ::1/ff:: -j DROP              => ok
-s ::/0 -j DROP                  => -j DROP
! -s ::/0 -j DROP                => =
-s two.example -d ::1            => -s 2001:db8::1/128 -d ::1/128 ; -s 2001:db8::2/128 -d ::1/128
-p icmpv6                        => -p ipv6-icmp
-p ipv6-icmp --icmpv6-type 128   => -p ipv6-icmp -m icmp6 --icmpv6-type 128
-6 -j ACCEPT                     => -j ACCEPT
-f                               => error: not supported in IPv6
