# SPDX-License-Identifier: GPL-2.0-or-later
"""CPUs that never sleep, while it is measured what firewalls cost and not what waking a CPU costs.

A virtual CPU that has nothing to do goes back to the hypervisor, and comes again when that finds
the time, with cold caches.  So each CPU gets a loop of the scheduling class SCHED_IDLE: whoever
wants to run puts it aside at once.
"""
import os
import subprocess
import sys

SPIN = """import os
os.sched_setaffinity(0, {int(os.sys.argv[1])})
os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
print(flush=True)
while True:
    pass
"""


class Awake:
    def __enter__(self):
        self.loops = [subprocess.Popen([sys.executable, "-c", SPIN, str(cpu)],
                                       stdout=subprocess.PIPE)
                      for cpu in os.sched_getaffinity(0)]
        for p in self.loops:
            p.stdout.readline()

    def __exit__(self, *exc):
        for p in self.loops:
            p.kill()
            p.wait()
            p.stdout.close()
