#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A recent list has one mask, that of the rule which the kernel meets first when the list comes to
be: tables as the text has them, built-in chains, then the others by name.  Rules of one list with
different masks match alike in both, also those that come later, and after a restart."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "lib")]

import hosts  # noqa: E402
import netns  # noqa: E402
import pkt  # noqa: E402
import wire  # noqa: E402

WIDE, NARROW = "255.255.255.0", "255.255.255.255"
SET = "-m recent --set --name x --mask %s"
SEEN = "-m recent --rcheck --name x --mask %s"
SEEN_RAW = "*raw\n-A PREROUTING %s\nCOMMIT\n" % (SEEN % NARROW)
SET_MANGLE = "*mangle\n-A PREROUTING %s\nCOMMIT\n" % (SET % WIDE)
TEXTS = {  # packets meet SEEN first, and SET behind it
    "user chains go by name": "*raw\n:zebra -\n:ant -\n-A PREROUTING -j zebra\n-A PREROUTING -j ant\n"
                              "-A zebra " + SEEN % NARROW + "\n-A ant " + SET % WIDE + "\nCOMMIT\n",
    "built-in chains go first": "*raw\n:ant -\n-A ant " + SET % WIDE + "\n-A PREROUTING " +
                                SEEN % NARROW + "\n-A PREROUTING -j ant\nCOMMIT\n",
    "hooks have an order": "*mangle\n-A INPUT " + SET % WIDE + "\n-A PREROUTING " + SEEN % NARROW +
                           "\nCOMMIT\n",
    "tables go as they stand": SET_MANGLE + SEEN_RAW,
    "or the other way round": SEEN_RAW + SET_MANGLE,
}
LATER = {  # what goes, what comes: the list stays, or is another
    "the mask stays with the list": ["-A PREROUTING " + SET % WIDE, "-I PREROUTING " + SEEN % NARROW,
                                     "-D PREROUTING " + SET % WIDE, "-A PREROUTING " + SET % NARROW],
    "and goes with it": ["-A PREROUTING " + SET % WIDE, "-D PREROUTING " + SET % WIDE,
                         "-A PREROUTING " + SET % NARROW, "-I PREROUTING " + SEEN % WIDE],
}


def traffic(world):
    """From two addresses that only the narrow mask tells apart, and from the first again."""
    sender = wire.RawSender(world.peer)
    for last in (9, 10, 9):
        source = "10.66.0.%d" % last
        sender.send(pkt.ip4(source, hosts.V4, 17, pkt.udp(source, hosts.V4, 1, 2)))
        world.fw.settle()  # through all hooks, before the next comes to the first
    sender.close()
    return world.fw.save(4)


def rules_of(text):
    return sorted(x for x in text.splitlines() if x.startswith("["))


def play(worlds, checks, what, prepare):
    saved = []
    for w in worlds:
        w.sh("for t in raw mangle; do iptables -t $t -F; iptables -t $t -X; done")
        prepare(w)
        saved.append(rules_of(traffic(w)))
    checks.equal(what, *saved)


def restart(world):
    world.fw.stop()
    world.fw.start()


def main():
    netns.need_root()
    netns.sweep()
    worlds = [hosts.World(kind) for kind in ("fwd", "legacy")]
    checks = hosts.Checks()
    for what, text in TEXTS.items():
        play(worlds, checks, what, lambda w, text=text: w.fw.restore(4, text))
    for what, edits in LATER.items():
        play(worlds, checks, what, lambda w, edits=edits: [
            checks.equal(e, w.sh("iptables -t raw " + e)[0], 0) for e in edits])
    restart(worlds[0])  # now the narrow rule stands first, but the list was made by the wide one
    play(worlds, checks, "before a restart", lambda w: [
        w.sh("iptables -t raw " + e) for e in LATER["the mask stays with the list"]])
    restart(worlds[0])
    checks.equal("after a restart", *[rules_of(traffic(w)) for w in worlds])
    for w in worlds:
        w.close()
    return checks.finish()


sys.exit(main())
