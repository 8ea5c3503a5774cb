# SPDX-License-Identifier: GPL-2.0-or-later
"""Conversations of real TCP, UDP and ping, recorded between two namespaces, to be sent once more.

They are what a stack says, with its windows, options and retransmissions; talks.py makes up the
rest.
"""
import random
import socket
import struct

import netns
import pkt
import talk
import wait
import wire

NUMBER = 31000  # of talk.Net: ends that no made-up conversation has
SO_TIMESTAMPNS = 35
PORT, UDP_PORT, CLOSED = 80, 53, 81


class Recorded:
    """One conversation, packet by packet, as talk.Conversation."""

    def __init__(self, name, packets, six):
        self.name, self.packets = name, packets
        self.rng = random.Random(name)  # of the pauses between them
        self.net = talk.Net(self.rng, NUMBER, six)
        self.length, self.sent = len(packets), 0

    def next(self):
        side, packet = self.packets[self.sent]
        self.sent += 1
        talk.Net.ids += 1
        if self.net.six:
            return side, struct.pack("!I", 0x60000000 | talk.Net.ids) + packet[4:]
        head = packet[:4] + struct.pack("!H", talk.Net.ids & 0xffff) + packet[6:10] + bytes(2) + \
            packet[12:20]
        return side, head[:10] + struct.pack("!H", pkt.csum(head)) + head[12:] + packet[20:]


def summed(packet):
    """With the transport's checksum, which the sender left to the network card."""
    six = packet[0] >> 4 == 6
    proto, at = (packet[6], 40) if six else (packet[9], 20)
    place = at + {6: 16, 17: 6}.get(proto, 0)
    if place == at:
        return packet
    packet = packet[:place] + bytes(2) + packet[place + 2:]
    ends = [socket.inet_ntop(socket.AF_INET6 if six else socket.AF_INET, x)
            for x in ((packet[8:24], packet[24:40]) if six else (packet[12:16], packet[16:20]))]
    value = pkt.l4sum(*ends, proto, packet[at:]) or 0xffff
    return packet[:place] + struct.pack("!H", value) + packet[place + 2:]


def is_theirs(packet):
    """Not what links and neighbours say to one another."""
    return packet[0] >> 4 == 4 or packet[6] in (6, 17) or (packet[6] == 58 and packet[40] < 130)


class Stage:
    """Two hosts on one link, and what passes there."""

    def __init__(self, six):
        self.six, self.family = six, socket.AF_INET6 if six else socket.AF_INET
        self.kind = pkt.ETH_IP6 if six else pkt.ETH_IP
        self.hosts = {side: netns.Namespace("-rec" + side) for side in "cs"}
        net = talk.Net(random.Random(0), NUMBER, six)
        self.address = {side: socket.inet_ntop(self.family, net.addr[side]) for side in "cs"}
        self.hosts["c"].ip("link add eth0 type veth peer name eth0 netns " + self.hosts["s"].name)
        for side, host in self.hosts.items():
            host.ip("link set eth0 addrgenmode none multicast off", "link set eth0 up",
                    "link set lo up",
                    "addr add %s/8 dev eth0 %s" % (self.address[side], "nodad" if six else ""))
        wait.must("the hosts meet", lambda: self.hosts["c"].run(
            "ping", "-c", "1", "-W", "0.4", self.address["s"], check=False).returncode == 0)
        self.ports = {side: wire.Port(self.hosts[side], "eth0") for side in "cs"}
        for port in self.ports.values():
            port.sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.listener = self.socket("s", socket.SOCK_STREAM)
        self.listener.bind((self.address["s"], PORT))
        self.listener.listen(8)
        self.datagrams = self.socket("s", socket.SOCK_DGRAM)
        self.datagrams.bind((self.address["s"], UDP_PORT))

    def socket(self, side, kind):
        with self.hosts[side]:
            s = socket.socket(self.family, kind)
        s.settimeout(10)
        return s

    def passed(self):
        """What has come to either end since the last call: [(side it comes from, packet)]."""
        out = []
        for side, port in self.ports.items():
            while True:
                try:
                    frame, extra, _, _ = port.sock.recvmsg(65600, 64)
                except BlockingIOError:
                    break
                packet = frame[14:]
                if struct.unpack("!H", frame[12:14])[0] == self.kind and is_theirs(packet):
                    out.append((struct.unpack("@qq", extra[0][2]), talk.Net.far(side), packet))
        return [(side, summed(packet)) for _, side, packet in sorted(out)]

    def connection(self):
        c = self.socket("c", socket.SOCK_STREAM)
        c.connect((self.address["s"], PORT))
        s = self.listener.accept()[0]
        s.settimeout(10)
        for x in (c, s):
            x.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return c, s

    def close(self):
        for x in [self.listener, self.datagrams] + list(self.ports.values()):
            x.close()
        for host in self.hosts.values():
            host.remove()


def say(a, b, sizes):
    for n in sizes:
        a.sendall(bytes(n))
        while n:
            n -= len(b.recv(n))


def half_close(stage):
    """Each end says something, the client is done, the server goes on and is done later."""
    c, s = stage.connection()
    say(c, s, (100, 1000, 1))
    say(s, c, (1200, 10))
    c.shutdown(socket.SHUT_WR)
    say(s, c, (500, 500))
    s.close()
    c.recv(1)
    c.close()


def reset(stage):
    c, s = stage.connection()
    say(c, s, (10,))
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    c.close()
    s.close()


def lossy(stage):
    """The server hears two of three segments."""
    tool = "ip6tables-legacy" if stage.six else "iptables-legacy"
    rule = ("INPUT", "-p", "tcp", "-m", "statistic", "--mode", "nth", "--every", "3",
            "--packet", "2", "-j", "DROP")
    stage.hosts["s"].run(tool, "-A", *rule)
    c, s = stage.connection()
    say(c, s, (1000,) * 4)
    say(s, c, (1000,) * 4)
    stage.hosts["s"].run(tool, "-D", *rule)
    for x in (c, s):
        x.close()


def refused(stage):
    c = stage.socket("c", socket.SOCK_STREAM)
    try:
        c.connect((stage.address["s"], CLOSED))
    except ConnectionRefusedError:
        pass
    c.close()


def datagrams(stage):
    """Questions and answers, and one to where nobody listens."""
    c = stage.socket("c", socket.SOCK_DGRAM)
    for n in (1, 400):
        c.sendto(bytes(n), (stage.address["s"], UDP_PORT))
        stage.datagrams.sendto(*stage.datagrams.recvfrom(1000))
        c.recv(1000)
    c.connect((stage.address["s"], CLOSED))
    c.send(b"x")
    try:
        c.recv(1)
    except ConnectionRefusedError:
        pass
    c.close()


def echoes(stage):
    stage.hosts["c"].run("ping", "-c", "3", "-i", "0.01", stage.address["s"])


# What is recorded, and how many packets that is at least.
PLAYS = ((half_close, 14), (reset, 5), (lossy, 16), (refused, 2), (datagrams, 6), (echoes, 6))


def record():
    """All of them over IPv4 and IPv6."""
    out = []
    for six in (False, True):
        stage = Stage(six)
        stage.passed()
        for play, least in PLAYS:
            play(stage)
            packets = []

            def all_there():
                packets.extend(more := stage.passed())
                return len(packets) >= least and not more
            wait.must("%s is over" % play.__name__, all_there, every=0.1)
            out.append(Recorded(play.__name__, packets, six))
        stage.close()
    return out
