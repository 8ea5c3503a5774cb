# SPDX-License-Identifier: GPL-2.0-or-later
"""Every source says its licence in the first lines and then what it is, in an opening comment;
documents that it names are there."""
import os
import re

from common import FLOORS, finish, read, root, sources

LICENCE = "SPDX-License-Identifier: GPL-2.0-or-later"


def check_c(path, text):
    lines = text.splitlines()
    if not lines or LICENCE not in lines[0]:
        yield f"{path}: line 1 is not the SPDX line"
        return
    opening = re.match(r"\s*/\*(.*?)\*/", text[len(lines[0]):], re.S)
    if not opening or len(re.findall(r"\w+", opening.group(1))) < 4:
        yield f"{path}: no opening comment behind the SPDX line"


def check_script(path, text):
    lines = text.splitlines()
    if not any(LICENCE in line for line in lines[:3]):
        yield f"{path}: no SPDX line among the first three"


def check_names(path, text):
    for name in set(re.findall(r"\b[\w/]+\.md\b", text)):
        if not any(os.path.exists(os.path.join(root(), base, name)) for base in ("", "docs")):
            yield f"{path}: there is no {name}"


files = sources(*FLOORS)
breaches = [b for path in files for b in check_c(path, read(path))]
scripts = sources(*FLOORS, "systemd", "docs", ends=(".py", ".sh", "meson.build"))
breaches += [b for path in scripts for b in check_script(path, read(path))]
breaches += [b for path in files + scripts for b in check_names(path, read(path))]
finish(breaches, len(files) + len(scripts))
