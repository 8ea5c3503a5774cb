# SPDX-License-Identifier: GPL-2.0-or-later
# -m connbytes and -m connlimit.
@family both
-m connbytes --connbytes 5 --connbytes-dir both --connbytes-mode packets => -m connbytes --connbytes 5 --connbytes-mode packets --connbytes-dir both
                                              => list: connbytes 5 connbytes mode packets connbytes direction both
-m connbytes ! --connbytes 5: --connbytes-dir reply --connbytes-mode bytes => -m connbytes ! --connbytes 5 --connbytes-mode bytes --connbytes-dir reply
                                              => list: ! connbytes 5 connbytes mode bytes connbytes direction reply
-m connbytes ! --connbytes 5:10 --connbytes-mode avgpkt --connbytes-dir original => =
                                              => list: ! connbytes 5:10 connbytes mode avgpkt connbytes direction original
-m connbytes ! --connbytes 5:5 --connbytes-mode avgpkt --connbytes-dir original => -m connbytes --connbytes 5:5 --connbytes-mode avgpkt --connbytes-dir original
-m connbytes --connbytes :5 --connbytes-mode bytes --connbytes-dir both => -m connbytes --connbytes 0:5 --connbytes-mode bytes --connbytes-dir both
-m connbytes --connbytes 10:5 --connbytes-mode bytes --connbytes-dir both => words: 10 should be less than 5
                                              => exit: 2
-m connbytes --connbytes x --connbytes-mode bytes --connbytes-dir both => words: connbytes: bad value for option "--connbytes" near "x", or out of range (0-18446744073709551615).
-m connbytes --connbytes 0 --connbytes-dir foo --connbytes-mode bytes => words: Unknown --connbytes-dir `foo'
-m connbytes --connbytes 0 --connbytes-dir both --connbytes-mode foo => words: Unknown --connbytes-mode `foo'
-m connbytes --connbytes 0 --connbytes-dir both => words: connbytes: option "--connbytes-mode" must be specified
-m connbytes                                  => words: connbytes: option "--connbytes" must be specified
-m connlimit                                  => words: You must specify "--connlimit-above" or "--connlimit-upto".
                                              => exit: 2
-m connlimit --connlimit-above x              => words: connlimit: bad value for option "--connlimit-above", or out of range (0-4294967295).
-m connlimit --connlimit-above 1 --connlimit-upto 2 => words: connlimit: option "--connlimit-upto" cannot be used together with "--connlimit-above".
-m connlimit --connlimit-above 1 --connlimit-saddr --connlimit-daddr => words: connlimit: option "--connlimit-saddr" cannot be used together with "--connlimit-daddr".
-m connlimit ! --connlimit-upto 10 --connlimit-mask 24 --connlimit-daddr => -m connlimit --connlimit-above 10 --connlimit-mask 24 --connlimit-daddr
                                              => list: #conn dst/24 > 10
@family 4
-m connlimit --connlimit-above 10             => -m connlimit --connlimit-above 10 --connlimit-mask 32 --connlimit-saddr
                                              => list: #conn src/32 > 10
-m connlimit ! --connlimit-above 10 --connlimit-mask 255.255.0.0 => -m connlimit --connlimit-upto 10 --connlimit-mask 16 --connlimit-saddr
                                              => list: #conn src/16 <= 10
-m connlimit --connlimit-above 10 --connlimit-mask x => words: connlimit: bad value for option "--connlimit-mask", neither a valid network mask nor valid CIDR (0-32).
@family 6
-m connlimit --connlimit-above 1              => -m connlimit --connlimit-above 1 --connlimit-mask 128 --connlimit-saddr
-m connlimit --connlimit-above 1 --connlimit-mask 129 => words: connlimit: bad value for option "--connlimit-mask", neither a valid network mask nor valid CIDR (0-128).
