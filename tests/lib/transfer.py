# SPDX-License-Identifier: GPL-2.0-or-later
"""A big transfer by TCP: many bytes from one namespace to a listener in another."""
import socket

import netns


def zeros(src, dst, to, port, total):
    """total bytes sent by src's socat to an address in dst: how many arrived, and the segment size
    (TCP_MAXSEG) that the receiver was told."""
    family = socket.AF_INET6 if ":" in to else socket.AF_INET
    with dst:
        listener = socket.create_server((to, port), family=family)
    listener.settimeout(20)
    sender = src.popen("socat", "-u", "OPEN:/dev/zero,readbytes=%d" % total,
                       "TCP:%s:%d" % ("[%s]" % to if ":" in to else to, port))
    conn = listener.accept()[0]
    with listener, conn:
        conn.settimeout(20)
        mss = conn.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
        got = 0
        while data := conn.recv(1 << 20):
            got += len(data)
    netns.stop(sender)
    return got, mss
