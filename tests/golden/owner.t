# SPDX-License-Identifier: GPL-2.0-or-later
# -m owner.
@family both
@chain OUTPUT
-m owner --uid-owner 0                        => =
                                              => list: owner UID match 0
-m owner --uid-owner root ! --gid-owner 1-5   => -m owner --uid-owner 0 ! --gid-owner 1-5
                                              => list: owner UID match 0 ! owner GID match 1-5
-m owner ! --socket-exists                    => =
                                              => list: ! owner socket exists
-m owner --socket-exists --uid-owner 5        => =
                                              => list: owner socket exists owner UID match 5
-m owner --uid-owner 9-8                      => words: Invalid argument. Run `dmesg' for more information.
                                              => exit: 1
-m owner --uid-owner nobody-of-that-name      => words: owner: Bad value for "--uid-owner" option: "nobody-of-that-name"
                                              => exit: 2
-m owner                                      => words: owner: At least one of --uid-owner, --gid-owner or --socket-exists is required
                                              => exit: 2
