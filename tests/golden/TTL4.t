# SPDX-License-Identifier: GPL-2.0-or-later
# -j TTL.
@family 4
@table mangle
@chain FORWARD
-j TTL --ttl-set 42                           => =
                                              => list: TTL set to 42
-j TTL --ttl-inc 1                            => =
                                              => list: TTL increment by 1
-j TTL --ttl-dec 1                            => =
                                              => list: TTL decrement by 1
-j TTL --ttl-set 256                          => words: TTL: bad value for option "--ttl-set", or out of range (0-255).
                                              => exit: 2
-j TTL --ttl-inc 0                            => words: TTL: bad value for option "--ttl-inc", or out of range (1-255).
                                              => exit: 2
-j TTL --ttl-dec 1 --ttl-inc 1                => exit: 2
-j TTL                                        => words: TTL: You must specify an action
                                              => exit: 2
