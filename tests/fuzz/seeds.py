# SPDX-License-Identifier: GPL-2.0-or-later
"""seeds.py BUILD: writes seeds for each fuzzer to BUILD/seeds-NAME and makes BUILD/corpus-NAME.

Texts are the differential test's rulesets and the words of tests/golden; packets its traffic,
behind the header that fuzz-packet and fuzz-ct read; requests are texts behind a verb."""
import os
import random
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "diff"), os.path.join(HERE, "..", "lib")]
import rules  # noqa: E402
import traffic  # noqa: E402

COUNT = 60


def texts():
    for seed in range(COUNT):
        family = 4 if seed % 2 else 6
        yield family, rules.generate(random.Random(seed), family, "t").text().encode()
    golden = os.path.join(HERE, "..", "golden")
    for name in sorted(os.listdir(golden)) if os.path.isdir(golden) else []:
        with open(os.path.join(golden, name), "rb") as f:
            for part in f.read().split(b"\n\n"):
                if len(part) < 4096:
                    yield 4, part + b"\n"


def packets():
    for seed in range(COUNT):
        family = 4 if seed % 2 else 6
        for step in traffic.generate(random.Random(seed), family, 8):
            yield family, step["pkt"]


def client():
    """What the client reads; the first byte says as what."""
    yield b"\0ok\n*filter\nCOMMIT\n"
    yield b"\0error 3:7 no chain `x'\nhint make it\ncode no-chain\nlength 1\nwords No chain.\n"
    for i, (_, p) in enumerate(packets()):
        if i % 50 == 0:
            size = len(p).to_bytes(4, "little")
            yield (b"\1\xd4\xc3\xb2\xa1\2\0\4\0" + bytes(12) + (101).to_bytes(4, "little")
                   + (bytes(8) + size + size + p) * 2)
    for words in ("in eth0 tcp 203.0.113.9:4000 to 10.0.0.5:22 syn ack state new", "hook forward mark 0x1",
                  "out lo [2001:db8::1]:1 [2001:db8::2]:2 ttl 3 tos 4 len 999", "icmp type 3 code 1",
                  "udp 10.0.0.1 mac 00:11:22:33:44:55 uid 3 proto 47"):
        yield b"\2" + words.encode()
    for _, t in texts():
        yield b"\3" + t
    yield b"\3*filter\n[1:2] -A INPUT -s two.example,x -p tcp --dport http -j DROP\nCOMMIT\n"


def write(build, name, items):
    for d in ("corpus-", "seeds-"):
        os.makedirs(os.path.join(build, d + name), exist_ok=True)
    for i, data in enumerate(items):
        with open(os.path.join(build, "seeds-" + name, "%04d" % i), "wb") as f:
            f.write(data)


def main():
    build = sys.argv[1]
    head = lambda family: bytes([0x80 if family == 6 else 0, 0, 0])
    seeds = {
        "client": client(),
        "packet": (head(f) + p for f, p in packets()),
        "text": (bytes([f == 6]) + t for f, t in texts()),
        "protocol": (b"restore %d\n" % f + t for f, t in texts()),
        "ct": (head(f) + p for f, p in packets()),
    }
    for name, items in seeds.items():
        write(build, name, items)


main()
