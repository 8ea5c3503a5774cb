# SPDX-License-Identifier: GPL-2.0-or-later
# -m tcpmss.
@family both
-p tcp -m tcpmss --mss 42                     => =
                                              => list: tcpmss match 42
-p tcp -m tcpmss ! --mss 42:12345             => =
                                              => list: tcpmss match !42:12345
-p tcp -m tcpmss --mss :42                    => -p tcp -m tcpmss --mss 0:42
-p tcp -m tcpmss --mss 42:                    => -p tcp -m tcpmss --mss 42:65535
-p tcp -m tcpmss --mss 42:42                  => -p tcp -m tcpmss --mss 42
-p tcp -m tcpmss --mss 42:65536               => exit: 2
-p tcp -m tcpmss --mss 65535:1000             => exit: 2
-m tcpmss --mss 42                            => error: the rule must say -p tcp
