# SPDX-License-Identifier: GPL-2.0-or-later
"""A steady stream of numbered UDP packets: how many were lost, how many came out of order."""
import socket
import struct
import threading
import time

import wait


class Flow:
    """From one namespace to an address in another; start() … stop() … lost."""

    def __init__(self, src, dst, addr, port=7000, pps=10000, size=64):
        family = socket.AF_INET6 if ":" in addr else socket.AF_INET
        with dst:
            self.rx = socket.socket(family, socket.SOCK_DGRAM)
        with src:
            self.tx = socket.socket(family, socket.SOCK_DGRAM)
        self.rx.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)  # SO_RCVBUFFORCE
        self.rx.bind((addr, port))
        self.rx.settimeout(0.1)
        self.tx.connect((addr, port))
        self.pps, self.pad = pps, b"." * (size - 8)
        self.sent, self.got, self.reordered = 0, set(), 0
        self.running, self.draining = False, False

    def _send(self):
        begin = time.monotonic()
        while self.running:
            due = int((time.monotonic() - begin) * self.pps) + 1
            while self.sent < due and self.running:
                try:
                    self.tx.send(struct.pack("!Q", self.sent) + self.pad)
                except (PermissionError, ConnectionRefusedError):
                    pass
                self.sent += 1
            time.sleep(0.001)  # paced

    def _receive(self):
        last = -1
        while True:
            try:
                n = struct.unpack("!Q", self.rx.recv(65536)[:8])[0]
            except socket.timeout:
                if self.draining:
                    return
                continue
            self.got.add(n)
            self.reordered += n < last
            last = max(n, last)

    def start(self):
        self.running = True
        self.threads = [threading.Thread(target=f, daemon=True) for f in (self._receive, self._send)]
        for t in self.threads:
            t.start()
        return self

    def stop(self):
        """Stop sending, wait for what is on its way.  Returns how many are missing."""
        self.running = False
        self.threads[1].join()
        self.draining = True
        self.threads[0].join()
        self.tx.close()
        self.rx.close()
        return self.sent - len(self.got)

    def more(self, n=3000):
        """Wait until n more packets were sent; returns the first one's number."""
        first = self.sent
        wait.until(lambda: self.sent >= first + n or not self.threads[1].is_alive(), 60, every=0.005)
        return first

    def passing(self, n=None):
        """How many of the next n (0.3 s of the rate) arrive."""
        n = n or int(self.pps * 0.3)
        first = self.more(n)
        # the last of them may be on their way, or dropped
        wait.until(lambda: first + n - 1 in self.got, 0.2, every=0.005)
        return sum(k in self.got for k in range(first, first + n))
