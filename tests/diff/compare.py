# SPDX-License-Identifier: GPL-2.0-or-later
"""What of two firewalls' behaviour must be equal: arrivals after volatile fields are masked, and
counters and words of every rule and policy."""
import re
import struct

import pkt
from words import HOSTS

ROUTER = {4: {pkt.addr(a) for a in HOSTS[4]["r"]}, 6: {pkt.addr(a) for a in HOSTS[6]["r"]}}
LISTEN = (22, 80)


def _mask4(p, own):
    """IP id and header checksum of the router's own packets; a wrong checksum is marked."""
    ihl = (p[0] & 15) * 4
    good = pkt.csum(bytes(p[:ihl])) == 0 if ihl <= len(p) else True
    if own:
        p[4:6] = b"\0\0"
    p[10:12] = b"\0\0" if good else b"BA"


def _mask_timestamps(p, i, end):
    while i + 1 < min(end, len(p)) and p[i] != 0:
        size = 1 if p[i] == 1 else max(p[i + 1], 2)
        if p[i] == 8:
            p[i + 2:i + size] = b"\0" * len(p[i + 2:i + size])
        i += size


def _mask_l4(p, at, proto, own):
    """The listener's sequence numbers are random, and so are its checksums.  A TCP checksum that
    is right, or left to the hardware (the kernel's own resets), is one and the same."""
    if proto == 6 and len(p) >= at + 20:
        v6 = p[0] >> 4 == 6
        s, d = (p[8:24], p[24:40]) if v6 else (p[12:16], p[16:20])
        seg = bytes(p[at:])
        pseudo = bytes(s + d) + (struct.pack("!II", len(seg), 6) if v6
                                 else struct.pack("!BBH", 0, 6, len(seg)))
        partial = ~pkt.csum(pseudo) & 0xFFFF
        if pkt.csum(pseudo + seg) == 0 or struct.unpack("!H", seg[16:18])[0] == partial:
            p[at + 16:at + 18] = b"\0\0"
    if proto == 6 and own and len(p) >= at + 20:
        if struct.unpack("!H", p[at:at + 2])[0] in LISTEN:
            p[at + 4:at + 8] = b"\0" * 4
            p[at + 16:at + 18] = b"\0" * 2
            _mask_timestamps(p, at + 20, at + (p[at + 12] >> 4) * 4)


def _inner(p, at, v6):
    """The packet quoted in the router's own ICMP error: what was volatile in it is masked, and
    with it the checksum over it."""
    q = bytearray(p[at + 8:])
    if len(q) < (44 if v6 else 24):
        return
    src, dst = (q[8:24], q[24:40]) if v6 else (q[12:16], q[16:20])
    l4, proto = (40, q[6]) if v6 else ((q[0] & 15) * 4, q[9])
    before = bytes(q)
    if bytes(src) in ROUTER[6 if v6 else 4]:
        if v6:
            q[1:4] = bytes([q[1] & 0xF0, 0, 0])
        else:
            q[4:6] = q[10:12] = b"\0\0"
    _mask_l4(q, l4, proto, bytes(src) in ROUTER[6 if v6 else 4])
    if bytes(dst) in ROUTER[6 if v6 else 4] and proto == 6 and len(q) >= l4 + 8 \
            and struct.unpack("!H", q[l4 + 2:l4 + 4])[0] in LISTEN:
        q[l4 + 8:l4 + 12] = b"\0" * len(q[l4 + 8:l4 + 12])  # acknowledges a random number
        q[l4 + 16:l4 + 18] = b"\0" * len(q[l4 + 16:l4 + 18])
    if bytes(q) != before:
        p[at + 2:at + 4] = b"\0\0"
        p[at + 8:] = q


def sequence_numbers(packets):
    """What TCP's ends may say without having drawn it: these packets' numbers, and answers'."""
    out = set()
    for p in packets:
        at, proto = ((p[0] & 15) * 4, p[9]) if p[0] >> 4 == 4 else (40, p[6])
        if proto == 6 and len(p) >= at + 20:
            seq, ack = struct.unpack("!II", p[at + 4:at + 12])
            syn_fin = (p[at + 13] & 1) + (p[at + 13] >> 1 & 1)
            end = seq + len(p) - at - (p[at + 12] >> 4) * 4 + syn_fin
            out |= {struct.pack("!I", n & 0xFFFFFFFF) for n in (0, seq, ack, seq + 1, end)}
    return out


def mask_translated(packet, known):
    """Behind translation nobody can tell the router's own packets from others.  A listener's
    numbers are random: those that are not `known`."""
    p = bytearray(packet)
    v = p[0] >> 4 if p else 0
    if (v == 4 and len(p) < 20) or (v == 6 and len(p) < 40) or v not in (4, 6):
        return bytes(p)
    at, proto = ((p[0] & 15) * 4, p[9]) if v == 4 else (40, p[6])
    error = len(p) > at + 8 and ((proto == 1 and p[at] in (3, 4, 5, 11, 12))
                                 or (proto == 58 and p[at] < 128))
    if v == 4:
        _mask4(p, True)
    else:
        p[1:4] = bytes([p[1] & 0xF0, 0, 0])
    if proto == 6 and len(p) >= at + 20:
        _mask_l4(p, at, proto, False)
        drawn = [i for i in (at + 4, at + 8) if bytes(p[i:i + 4]) not in known]
        for i in drawn:
            p[i:i + 4] = b"\0" * 4
        if drawn:
            p[at + 16:at + 18] = b"\0" * 2
            _mask_timestamps(p, at + 20, at + (p[at + 12] >> 4) * 4)
    if error:
        q = p[at + 8:]
        if v == 4 and len(q) >= 24:
            q[4:6] = q[10:12] = b"\0\0"
        elif v == 6 and len(q) >= 44:
            q[1:4] = bytes([q[1] & 0xF0, 0, 0])
        l4, inner = (40, q[6]) if v == 6 and len(q) > 40 else ((q[0] & 15) * 4, q[9] if
                                                              len(q) > 9 else 0)
        if inner == 6 and len(q) > l4 + 8:
            q[l4 + 4:l4 + 12] = b"\0" * len(q[l4 + 4:l4 + 12])
            q[l4 + 16:l4 + 18] = b"\0" * len(q[l4 + 16:l4 + 18])
            if len(q) > l4 + 12:
                _mask_timestamps(q, l4 + 20, l4 + (q[l4 + 12] >> 4) * 4)
        p[at + 2:at + 4] = b"\0\0"
        p[at + 8:] = q
    if v == 6 and proto == 44 and len(p) >= 48:
        p[44:48] = b"\0" * 4
    return bytes(p)


def mask(packet):
    p = bytearray(packet)
    v = p[0] >> 4 if p else 0
    if v == 4 and len(p) >= 20:
        own, at, proto = bytes(p[12:16]) in ROUTER[4], (p[0] & 15) * 4, p[9]
        _mask4(p, own)
        if own and proto == 1 and len(p) > at + 8 and p[at] in (3, 4, 5, 11, 12):
            _inner(p, at, False)
    elif v == 6 and len(p) >= 40:
        own, at, proto = bytes(p[8:24]) in ROUTER[6], 40, p[6]
        if own:
            p[1:4] = bytes([p[1] & 0xF0, 0, 0])
        if own and proto == 58 and len(p) > 48 and p[40] < 128:
            _inner(p, 40, True)
        if proto == 44 and len(p) >= 48:
            p[44:48] = b"\0" * 4  # cut anew after reassembly, under a random number
    else:
        return bytes(p)
    _mask_l4(p, at, proto, own)
    return bytes(p)


def _piece(p):
    """(key, offset, more, header, payload) of a fragment, or None."""
    if p[0] >> 4 == 4 and len(p) >= 20:
        frag = struct.unpack("!H", p[6:8])[0]
        if frag & 0x3FFF:
            ihl = (p[0] & 15) * 4
            head = p[:2] + b"\0\0" + p[4:6] + b"\0\0" + p[8:10] + b"\0\0" + p[12:ihl]
            return (p[4:6] + p[9:10] + p[12:20], (frag & 0x1FFF) * 8, bool(frag & 0x2000), head,
                    p[ihl:])
    elif p[0] >> 4 == 6 and len(p) >= 48 and p[6] == 44:
        frag = struct.unpack("!H", p[42:44])[0]
        return p[8:40] + p[44:48], frag & 0xFFF8, bool(frag & 1), p[:4] + p[6:42], p[48:]
    return None


def whole(arrivals):
    """Fragments of one packet put together: a packet that fwd changed is cut anew, elsewhere
    (docs/differences.md)."""
    out, sets = [], {}
    for dev, p in arrivals:
        f = _piece(p)
        if f:
            sets.setdefault((dev, f[0]), []).append((f, p))
        else:
            out.append((dev, p))
    for (dev, _), parts in sets.items():
        parts.sort(key=lambda x: x[0][1])
        body, complete = b"", not parts[-1][0][2]
        for (_, off, _, _, data), _ in parts:
            complete &= off == len(body)
            body += data
        if complete:
            out.append((dev, b"whole " + parts[0][0][3] + body))
        else:
            out += [(dev, p) for _, p in parts]
    return sorted(out)


def saved(text):
    """iptables-save -c as {table: {"policy": {chain: (policy, p, b)}, "rules": [(chain, p, b,
    words)]}}."""
    out, table = {}, None
    for line in text.splitlines():
        if line.startswith("*"):
            table = out.setdefault(line[1:], {"policy": {}, "rules": []})
        elif line.startswith(":"):
            m = re.match(r":(\S+) (\S+) \[(\d+):(\d+)\]", line)
            table["policy"][m.group(1)] = (m.group(2), int(m.group(3)), int(m.group(4)))
        elif line.startswith("["):
            m = re.match(r"\[(\d+):(\d+)\] -A (\S+) ?(.*)", line)
            table["rules"].append((m.group(3), int(m.group(1)), int(m.group(2)), m.group(4)))
    return out


def unseen(chain, b):
    """nat's policies count first packets only: where no rule of nat asks, nobody tells which those
    are (docs/differences.md)."""
    policy = b["policy"][chain]
    return policy[1:] == (0, 0) and policy[0] == "ACCEPT" \
        and not any(r[0] == chain for r in b["rules"])


def shapes(a, b, tables):
    """Tables and rules that only one has: text."""
    out = []
    for t in tables:
        if t not in a or t not in b:
            out.append("table %s: missing in %s" % (t, "B" if t in a else "A"))
        elif len(a[t]["rules"]) != len(b[t]["rules"]):
            out.append("%s: A has %d rules, B %d" % (t, len(a[t]["rules"]), len(b[t]["rules"])))
    return out


def counters(a, b, tables):
    """Of two saved(), what either counted: {policy or rule: text}.  A rule's words are A's."""
    x, y = {}, {}
    for t in (t for t in tables if t in a and t in b):
        for chain in sorted(a[t]["policy"]):
            if not (t == "nat" and chain in b[t]["policy"] and unseen(chain, b[t])):
                for out, saved in ((x, a), (y, b)):
                    out["%s %s policy" % (t, chain)] = "%s [%d:%d]" % saved[t]["policy"].get(
                        chain, ("none", 0, 0))
        for i, (p, q) in enumerate(zip(a[t]["rules"], b[t]["rules"])):
            place = "%s rule %d, %s" % (t, i + 1, p[3])
            x[place], y[place] = ("%s [%d:%d]" % r[:3] for r in (p, q))
    return x, y


def words(a, b, tables):
    """Rules that are printed differently."""
    out = []
    for t in tables:
        for p, q in zip(a.get(t, {}).get("rules", []), b.get(t, {}).get("rules", [])):
            if p[3] != q[3]:
                out.append("%s: A %r, B %r" % (t, p[3], q[3]))
    return out
