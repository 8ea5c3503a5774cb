# SPDX-License-Identifier: GPL-2.0-or-later
"""The differential test itself: the kernel's firewall agrees with itself on random rulesets, and
each deliberate difference (a rule that matches nothing, a lost packet, another TTL) is seen."""
import os
import subprocess
import sys

DIFF = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "diff", "diff.py")
sys.exit(subprocess.run(["/usr/bin/python3", DIFF, "--self-test", "--count", "25"]).returncode)
