# SPDX-License-Identifier: GPL-2.0-or-later
"""The far end of a veth: frames put on the wire and frames that arrived there.

No stack lives on the far ends; a test sends exactly what it means to and sees exactly what came.
"""
import select
import socket
import struct

SOL_PACKET, PACKET_IGNORE_OUTGOING = 263, 23
ETH_P_ALL = 3


class Port:
    """One interface of the lab, by an AF_PACKET socket."""

    def __init__(self, ns, ifname):
        with ns:
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        s.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
        s.bind((ifname, ETH_P_ALL))
        s.setblocking(False)
        self.sock, self.ifname = s, ifname

    def send(self, frame):
        self.sock.send(frame)

    def drain(self):
        """Everything that arrived since the last call: IP packets without the link header."""
        return [f[14:] for f in iter(self.frame, None)
                if struct.unpack("!H", f[12:14])[0] in (0x0800, 0x86DD)]

    def frame(self):
        """The next frame that has arrived, or None."""
        try:
            return self.sock.recv(65600)
        except BlockingIOError:
            return None

    def close(self):
        self.sock.close()


def wait_readable(ports, timeout):
    return bool(select.select([p.sock for p in ports], [], [], timeout)[0])


class RawSender:
    """Local packets of a namespace, header included: what OUTPUT sees."""

    def __init__(self, ns):
        with ns:
            self.s4 = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
            self.s6 = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
        for s in (self.s4, self.s6):
            s.setblocking(False)
        self.s4.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)

    def send(self, packet):
        """EPERM and unreachable are what the firewall or the routes answered: not our error."""
        try:
            if packet[0] >> 4 == 4:
                self.s4.sendto(packet, (socket.inet_ntop(socket.AF_INET, packet[16:20]), 0))
            else:
                self.s6.sendto(packet, (socket.inet_ntop(socket.AF_INET6, packet[24:40]), 0))
        except OSError as e:
            return e.errno
        return 0

    def close(self):
        self.s4.close()
        self.s6.close()
