# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets as bytes.  Small builders, because building thousands with scapy takes longer than
sending them; every field that a test bends (checksum, lengths, flags, offsets) is an argument."""
import ipaddress
import struct

ETH_IP, ETH_IP6 = 0x0800, 0x86DD
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = 1, 2, 4, 8, 16, 32, 64, 128


def csum(data, start=0):
    if len(data) & 1:
        data += b"\0"
    s = start + sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xFFFF) + (s >> 16)
    return ~s & 0xFFFF


def addr(a):
    return ipaddress.ip_address(a).packed


def l4sum(src, dst, proto, data):
    s, d = addr(src), addr(dst)
    if len(s) == 4:
        return csum(s + d + struct.pack("!BBH", 0, proto, len(data)) + data)
    return csum(s + d + struct.pack("!II", len(data), proto) + data)


def _fill(src, dst, proto, data, at, good):
    """Write the checksum of a transport header at its place; good=False: a wrong one."""
    c = l4sum(src, dst, proto, data)
    if proto == 17 and c == 0:
        c = 0xFFFF
    if not good:
        c ^= 0x5A5A
    return data[:at] + struct.pack("!H", c) + data[at + 2:]


def tcp(src, dst, sport, dport, flags=SYN, seq=1000, ack=0, win=8192, opts=b"", data=b"",
        doff=None, good=True, urg=0):
    opts += b"\0" * (-len(opts) % 4)
    h = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF,
                    (5 + len(opts) // 4 if doff is None else doff) << 4, flags, win, 0, urg)
    return _fill(src, dst, 6, h + opts + data, 16, good)


def udp(src, dst, sport, dport, data=b"", length=None, good=True, proto=17):
    h = struct.pack("!HHHH", sport, dport, 8 + len(data) if length is None else length, 0)
    return _fill(src, dst, proto, h + data, 6, good)


def icmp(type_, code=0, rest=0, data=b"", good=True):
    h = struct.pack("!BBHI", type_, code, 0, rest) + data
    c = csum(h) ^ (0 if good else 0x5A5A)
    return h[:2] + struct.pack("!H", c) + h[4:]


def icmp6(src, dst, type_, code=0, rest=0, data=b"", good=True):
    return _fill(src, dst, 58, struct.pack("!BBHI", type_, code, 0, rest) + data, 2, good)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def sctp(sport, dport, tag, chunks, good=True):
    h = struct.pack("!HHII", sport, dport, tag, 0) + chunks
    c = crc32c(h) ^ (0 if good else 1)
    return h[:8] + struct.pack("<I", c) + h[12:]


def ip4(src, dst, proto, payload, ttl=64, ident=1, tos=0, df=False, mf=False, off=0, opts=b"",
        total=None, good=True):
    opts += b"\0" * (-len(opts) % 4)
    ihl = 5 + len(opts) // 4
    frag = (0x4000 if df else 0) | (0x2000 if mf else 0) | off // 8
    h = struct.pack("!BBHHHBBH4s4s", 0x40 | ihl, tos,
                    ihl * 4 + len(payload) if total is None else total, ident, frag, ttl, proto,
                    0, addr(src), addr(dst)) + opts
    c = csum(h) ^ (0 if good else 0x1111)
    return h[:10] + struct.pack("!H", c) + h[12:] + payload


def ip6(src, dst, nxt, payload, hops=64, tclass=0, flow=0, plen=None):
    return struct.pack("!IHBB16s16s", 6 << 28 | tclass << 20 | flow,
                       len(payload) if plen is None else plen, nxt, hops, addr(src),
                       addr(dst)) + payload


def ext6(nxt, body=b"\x01\x04\0\0\0\0"):
    """A hop-by-hop, routing or destination header around nothing but padding."""
    body += b"\0" * (-(len(body) + 2) % 8)
    return struct.pack("!BB", nxt, (len(body) + 2) // 8 - 1) + body


def frag6(nxt, off, more, ident):
    return struct.pack("!BBHI", nxt, 0, off | (1 if more else 0), ident)


def ether(dst, src, packet):
    mac = lambda m: bytes.fromhex(m.replace(":", ""))
    kind = ETH_IP if packet[0] >> 4 == 4 else ETH_IP6
    return mac(dst) + mac(src) + struct.pack("!H", kind) + packet


NAMES = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6", 47: "gre", 50: "esp", 51: "ah",
         132: "sctp", 136: "udplite"}


def flags_text(f):
    return "".join(c for i, c in enumerate("FSRPAUEC") if f >> i & 1) or "-"


def show(p):
    """One packet in one line, for reports."""
    if not p:
        return "(empty)"
    v = p[0] >> 4
    if v == 4 and len(p) >= 20:
        ihl, proto, off = (p[0] & 15) * 4, p[9], struct.unpack("!H", p[6:8])[0]
        s, d = ipaddress.ip_address(p[12:16]), ipaddress.ip_address(p[16:20])
        l4, extra = p[ihl:], " ttl %d len %d" % (p[8], len(p))
        if off & 0x3FFF:
            extra += " frag %d%s" % ((off & 0x1FFF) * 8, "+" if off & 0x2000 else "")
            if off & 0x1FFF:
                return "%s > %s %s%s" % (s, d, NAMES.get(proto, proto), extra)
    elif v == 6 and len(p) >= 40:
        proto, l4 = p[6], p[40:]
        s, d = ipaddress.ip_address(p[8:24]), ipaddress.ip_address(p[24:40])
        extra = " hops %d len %d" % (p[7], len(p))
        while proto in (0, 43, 44, 60) and len(l4) >= 8:
            extra += " ext %d" % proto
            if proto == 44 and struct.unpack("!H", l4[2:4])[0] & 0xFFF8:
                return "%s > %s%s off" % (s, d, extra)
            size = 8 if proto == 44 else (l4[1] + 1) * 8
            proto, l4 = l4[0], l4[size:]
    else:
        return p.hex()
    what = str(NAMES.get(proto, proto))
    if proto in (6, 17, 132, 136) and len(l4) >= 4:
        sp, dp = struct.unpack("!HH", l4[:4])
        what += " %d > %d" % (sp, dp)
        if proto == 6 and len(l4) >= 16:
            seq, ack = struct.unpack("!II", l4[4:12])
            what += " %s seq %d ack %d" % (flags_text(l4[13]), seq, ack)
    elif proto in (1, 58) and len(l4) >= 2:
        what += " %d/%d" % (l4[0], l4[1])
    return "%s > %s %s%s" % (s, d, what, extra)
