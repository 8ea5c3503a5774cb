# SPDX-License-Identifier: GPL-2.0-or-later
# -m comment.
@family both
-m comment --comment word                     => =
                                              => list: /* word */
-m comment --comment "two words"              => =
                                              => list: /* two words */
-m comment --comment "quote \" backslash \\ apostrophe '" => -m comment --comment "quote \" backslash \\ apostrophe \'"
                                              => list: /* quote " backslash \ apostrophe ' */
-m comment                                    => words: comment: option "--comment" must be specified
                                              => exit: 2
