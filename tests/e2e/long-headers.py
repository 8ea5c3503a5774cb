#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 120
"""Packets whose headers are longer than what the queue copies of a packet are judged like others.

Extension headers of IPv6, also those of a packet that an error quotes; SCTP's chunks, of which any
may end an association; DCCP's options."""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import beside  # noqa: E402
import pkt  # noqa: E402
from beside import CLIENT, SERVER, packets, send  # noqa: E402

ROUTER = "10.77.2.1"
CLIENT6, ROUTER6, SERVER6 = "fd77:1::a", "fd77:1::1", "fd77:2::14"
DSTOPTS, DCCP, SCTP = 60, 33, 132
BEHIND = 400  # bytes ahead of what a rule asks for: the queue copies 256


def send_from(router, packet):
    """What comes in over a wire is copied whole, for its checksum; what a host sends is not."""
    router.raw.send(packet)
    router.fw.settle()


def long6(src, dst, proto, payload):
    padding = b"\x01\xc0" + b"\0" * 192 + b"\x01\xc0" + b"\0" * 192 + b"\x01\x08" + b"\0" * 8
    ext = pkt.ext6(proto, padding)
    assert len(ext) >= BEHIND
    return pkt.ip6(src, dst, DSTOPTS, ext + payload)


def test_port_behind_extension_headers(both, c):
    def what(r):
        r.fw.restore(6, "*filter\n-A FORWARD -p tcp -m tcp --dport 80\n"
                        "-A FORWARD -p tcp -m tcp --dport 80 --tcp-flags SYN,ACK SYN\n"
                        "-A FORWARD -p tcp -m tcp --tcp-option 2 -j DROP\nCOMMIT\n")
        for port, opts in ((80, b""), (81, b""), (80, b"\x02\x04\x05\xb4")):
            tcp = pkt.tcp(CLIENT6, SERVER6, 5000, port, opts=opts)
            got = send(r, long6(CLIENT6, SERVER6, 6, tcp))["eth1"]
            c.equal("forwarded, port %d, %d bytes of options" % (port, len(opts)), len(got),
                    0 if opts else 1)
        return [packets(r.fw, w, 6) for w in ("--dport 80", "SYN,ACK SYN", "-j DROP")]
    c.equal("packets by rule", both.routers(what), ([2, 2, 1],) * 2)


def test_error_quotes_extension_headers(both, c):
    quoted = long6(CLIENT6, SERVER6, 17, pkt.udp(CLIENT6, SERVER6, 5000, 53, b"x" * 100))

    def what(r):
        r.fw.restore(6, "*filter\n-A OUTPUT -m conntrack --ctstate RELATED\n"
                        "-A OUTPUT -m conntrack --ctstate INVALID\nCOMMIT\n")
        send(r, quoted)
        error = pkt.icmp6(ROUTER6, CLIENT6, 1, 4, data=quoted)
        send_from(r, pkt.ip6(ROUTER6, CLIENT6, 58, error))
        return [packets(r.fw, state, 6) for state in ("RELATED", "INVALID")]
    c.equal("the error's state", both.routers(what), ([1, 0],) * 2)


def chunk(kind, body=b"", flags=0):
    data = struct.pack("!BBH", kind, flags, 4 + len(body)) + body
    return data + b"\0" * (-len(data) % 4)


def test_last_chunk_is_seen(both, c):
    """An INIT with anything behind it is no packet of SCTP's, however far behind."""
    def what(r):
        r.fw.restore(4, "*filter\n-A OUTPUT -m conntrack --ctstate NEW\n"
                        "-A OUTPUT -m conntrack --ctstate INVALID\nCOMMIT\n")
        init = chunk(1, struct.pack("!IIHHI", 7, 65535, 1, 1, 9) + b"\x80\x08" +
                     struct.pack("!H", BEHIND) + b"\0" * (BEHIND - 4))
        for n, last in enumerate((b"", chunk(10, b"cookie"))):
            send_from(r, pkt.ip4(ROUTER, SERVER, SCTP, pkt.sctp(5000 + n, 80, 0, init + last)))
        return [packets(r.fw, state) for state in ("NEW", "INVALID")]
    c.equal("states with and without a second chunk", both.routers(what), ([1, 1],) * 2)


def test_option_at_the_end_of_dccp(both, c):
    def what(r):
        r.fw.restore(4, "*filter\n-A FORWARD -p dccp -m dccp --dccp-option 40\nCOMMIT\n")
        for option in (40, 41):
            options = b"\0" * BEHIND + bytes([option, 2]) + b"\0" * 2
            head = struct.pack("!HHBBHBBHI", 5000, 80, (16 + len(options)) // 4, 0, 0, 0, 0, 0, 0)
            send(r, pkt.ip4(CLIENT, SERVER, DCCP, head + options))
        return packets(r.fw, "--dccp-option 40")
    c.equal("packets with the option", both.routers(what), (1, 1))


if __name__ == "__main__":
    beside.run(globals())
