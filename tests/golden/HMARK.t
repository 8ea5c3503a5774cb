# SPDX-License-Identifier: GPL-2.0-or-later
# -j HMARK.
@family 4
@table mangle
@chain PREROUTING
-j HMARK --hmark-tuple src,dst --hmark-mod 10 --hmark-rnd 1 => -j HMARK --hmark-src-prefix 32 --hmark-dst-prefix 32 --hmark-rnd 0x00000001 --hmark-mod 10
                                              => list: HMARK mod 10 src-prefix 32 dst-prefix 32 rnd 0x1 
-j HMARK --hmark-src-prefix 24 --hmark-mod 5 --hmark-rnd 1 => -j HMARK --hmark-src-prefix 24 --hmark-rnd 0x00000001 --hmark-mod 5
                                              => list: HMARK mod 5 src-prefix 24 rnd 0x1 
-j HMARK --hmark-sport-mask 0xff --hmark-dport-mask 0xffff --hmark-mod 5 --hmark-rnd 1 => -j HMARK --hmark-sport-mask 0x00ff --hmark-dport-mask 0xffff --hmark-rnd 0x00000001 --hmark-mod 5
                                              => list: HMARK mod 5 sport-mask 0xff dport-mask 0xffff rnd 0x1 
-p udp -j HMARK --hmark-sport 5 --hmark-dport 6 --hmark-proto-mask 0xff --hmark-mod 5 --hmark-rnd 1 => -p udp -j HMARK --hmark-sport 0x0005 --hmark-dport 0x0006 --hmark-proto-mask 0xff --hmark-rnd 0x00000001 --hmark-mod 5
                                              => list: HMARK mod 5 sport 0x5 dport 0x6 proto-mask 0xff rnd 0x1 
-p esp -j HMARK --hmark-tuple src,spi --hmark-mod 5 --hmark-rnd 1 => -p esp -j HMARK --hmark-src-prefix 32 --hmark-spi-mask 0xffffffff --hmark-rnd 0x00000001 --hmark-mod 5
-j HMARK --hmark-spi 0xff --hmark-mod 5 --hmark-rnd 1 => -j HMARK --hmark-spi 0x000000ff --hmark-rnd 0x00000001 --hmark-mod 5
-j HMARK --hmark-tuple ct,src,proto --hmark-mod 5 --hmark-rnd 1 --hmark-offset 7 => -j HMARK --hmark-src-prefix 32 --hmark-proto-mask 0xffff --hmark-rnd 0x00000001 --hmark-mod 5 --hmark-offset 7 --hmark-tuple ct
                                              => list: HMARK mod 5 + 0x7 ct, src-prefix 32 proto-mask 0xffff rnd 0x1 
-j HMARK --hmark-tuple src,dst,sport,spi --hmark-mod 10 --hmark-rnd 1 => words: you cannot use --hmark-spi-mask and --hmark-?port-mask,at the same time
                                              => exit: 2
-j HMARK --hmark-tuple src --hmark-mod 1      => words: --hmark-rnd is mandatory
-j HMARK --hmark-tuple src --hmark-rnd 1      => words: --hmark-mod is mandatory
-j HMARK --hmark-mod 5 --hmark-rnd 1          => words: you have to specify --hmark-tuple at least
-j HMARK --hmark-tuple src --hmark-mod 0 --hmark-rnd 1 => words: HMARK: bad value for option "--hmark-mod", or out of range (1-4294967295).
-j HMARK --hmark-tuple nope --hmark-mod 5 --hmark-rnd 1 => words: Bad type "nope"
-j HMARK --hmark-spi 5 --hmark-sport 1 --hmark-mod 5 --hmark-rnd 1 => exit: 1
@family 6
-j HMARK --hmark-dst-prefix 64 --hmark-mod 10 --hmark-rnd 1 => -j HMARK --hmark-dst-prefix 64 --hmark-rnd 0x00000001 --hmark-mod 10
