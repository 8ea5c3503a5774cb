# SPDX-License-Identifier: GPL-2.0-or-later
"""Every key that `fwd --help` lists is in the manual and (if an operator would set it) in the sample
configuration, and the sample's values pass the check.  Second argument: the daemon."""
import os
import re
import subprocess
import sys

from common import finish, read, root

# Where the service decides: no lines in the sample.
NOT_IN_SAMPLE = {"socket", "user", "seccomp", "config", "check-config"}
NOT_KEYS = {"config", "check-config", "version", "help"}

fwd = sys.argv[2]
help_text = subprocess.run([fwd, "--help"], check=True, capture_output=True, text=True).stdout
keys = [k for k in re.findall(r"^  --([a-z0-9-]+)[ ,]", help_text, re.M) if k not in NOT_KEYS]
manual, sample = read("docs/fwd.conf.5.scd"), read("systemd/fwd.conf")
breaches = []
for key in keys:
    if "*%s* =" % key not in manual:
        breaches.append("docs/fwd.conf.5.scd: nothing about " + key)
    if key not in NOT_IN_SAMPLE and not re.search(r"^#%s = " % re.escape(key), sample, re.M):
        breaches.append("systemd/fwd.conf: nothing about " + key)
options = [x for k, v in re.findall(r"^#([a-z0-9-]+) = (.*)$", sample, re.M)
           if not k.startswith("rules") for x in ("--" + k, v)]
r = subprocess.run([fwd, "--config", os.path.join(root(), "systemd/fwd.conf"), "--rules", "",
                    "--rules6", "", "--check-config"] + options,
                   capture_output=True, text=True)
if r.returncode:
    breaches.append("systemd/fwd.conf: " + r.stderr.strip())
finish(breaches, len(keys))
