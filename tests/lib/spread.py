# SPDX-License-Identifier: GPL-2.0-or-later
"""A flow over topo.Routed from many sources, so that several queues get their share of it, and a sink
that counts what comes, to the packet."""
import socket
import threading
import time

SOURCES, PORT = 16, 7000
SINK = """table ip sink {
  counter came { }
  chain input { type filter hook input priority 0; udp dport %d counter name came drop; }
}
""" % PORT


class Spread(threading.Thread):
    """start() … end(): packets sent; came(): how many have come."""

    def __init__(self, net, pps=2000):
        super().__init__(daemon=True)
        self.net, self.pps, self.sent, self.stop, self.sockets = net, pps, 0, False, []
        net.server.run("nft", "-f", "-", input=SINK)
        net.client.ip(*["addr add 10.66.1.%d/24 dev eth0" % (100 + n) for n in range(SOURCES)])
        for n in range(SOURCES):
            with net.client:
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind(("10.66.1.%d" % (100 + n), 0))
            s.connect(("10.66.2.2", PORT))
            self.sockets.append(s)

    def run(self):
        begin = time.monotonic()
        while not self.stop:
            while self.sent < (time.monotonic() - begin) * self.pps:
                self.sockets[self.sent % SOURCES].send(b"x" * 20)
                self.sent += 1
            time.sleep(0.001)  # paced

    def end(self):
        self.stop = True
        self.join()
        return self.sent

    def came(self):
        words = self.net.server.run("nft", "list", "counter", "ip", "sink", "came").stdout.split()
        return int(words[words.index("packets") + 1])
