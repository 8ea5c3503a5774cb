# SPDX-License-Identifier: GPL-2.0-or-later
# -m ttl.
-m ttl --ttl 3                                => -m ttl --ttl-eq 3
                                              => list: TTL match TTL == 3
-m ttl ! --ttl-eq 3                           => =
                                              => list: TTL match TTL != 3
-m ttl --ttl-lt 3                             => =
                                              => list: TTL match TTL < 3
-m ttl --ttl-gt 3                             => =
                                              => list: TTL match TTL > 3
-m ttl --ttl-gt 3 --ttl-lt 5                  => words: ttl: option "--ttl-lt" cannot be used together with "--ttl-gt".
                                              => exit: 2
-m ttl --ttl-eq 256                           => words: ttl: bad value for option "--ttl-eq", or out of range (0-255).
                                              => exit: 2
-m ttl                                        => words: TTL match: You must specify one of `--ttl-eq', `--ttl-lt', `--ttl-gt
                                              => exit: 2
