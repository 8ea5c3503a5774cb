# SPDX-License-Identifier: GPL-2.0-or-later
"""The documents tell the truth where a program can see it: relative links lead somewhere, files
named in backquotes exist, each difference in docs/differences.md names a test that is there (and
the other way round), and the options and keys that fwd and fwctl know are documented."""
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TREES = ("docs/", "tests/", "examples/", "systemd/", "include/", "daemon/", "ctl/",
         "ruleengine/", "bench/", "packaging/")
problems, checked = [], 0


def read(path):
    with open(os.path.join(ROOT, path)) as f:
        return f.read()


def expect(condition, text):
    global checked
    checked += 1
    if not condition:
        problems.append(text)


def documents():
    out = ["README.md"] if os.path.exists(os.path.join(ROOT, "README.md")) else []
    docs = os.path.join(ROOT, "docs")
    return out + ["docs/" + f for f in sorted(os.listdir(docs)) if f.endswith(".md")]


def links(path, text):
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text):
        if not re.match(r"[a-z]+:", target):
            full = os.path.normpath(os.path.join(ROOT, os.path.dirname(path), target))
            expect(os.path.exists(full), "%s: link to %s leads nowhere" % (path, target))
    for name in re.findall(r"`([^`\s]+)`", text):
        if name.startswith(TREES) and not re.search(r"[*<{…]", name):
            expect(any(os.path.exists(os.path.join(ROOT, name + e)) for e in ("", ".c")),
                   "%s: no file %s" % (path, name))


def differences():
    text, there = read("docs/differences.md"), {}
    for path in sorted(glob.glob("tests/e2e/differences-*.py", root_dir=ROOT)):
        for n in re.findall(r"^def test_(\w+)", read(path), re.M):
            expect(n not in there, "%s: %s is in %s, too" % (path, n, there.get(n)))
            there[n] = path
    named = set(re.findall(r"Test: `(\w+)`", text))
    expect(there, "no tests/e2e/differences-*.py")
    for n in sorted(named | set(there)):
        expect(n in there, "docs/differences.md: no test %s in tests/e2e/differences-*.py" % n)
        expect(n in named, "%s: %s is not in docs/differences.md" % (there.get(n), n))
    for part in re.split(r"^## ", text, flags=re.M)[1:]:
        expect("Test: `" in part, "docs/differences.md: no test for: " + part.splitlines()[0])


def extensions():
    """docs/language.md lists the matches and targets that there are, and no others."""
    text = " ".join(read("docs/language.md").split())
    for kind, said, change in (("matches", r"matches fwd has: (.*?)\. ", str),
                               ("targets", r"Of its targets: (.*?)\. ", str.upper)):
        there = set(re.findall(r"^    '(\w+)',", read("ruleengine/%s/meson.build" % kind), re.M))
        there = {change(name) for name in there - {"ah6"}}
        listed = set(re.split(r",? and |, ", re.search(said, text).group(1)))
        expect(there == listed, "docs/language.md: %s: %s" % (kind, sorted(there ^ listed)))


def refused():
    """docs/language.md says of each extension that is refused by name why."""
    table = [re.split(r"[,;] ", row.split(" | ")[0]) for row in
             re.findall(r"^\| (\S.*)\|$", read("docs/language.md"), re.M)]
    listed = {name for row in table for name in row}
    for name in re.findall(r'^\t\{"(\w+)",', read("ruleengine/opt/unsupported.c"), re.M):
        expect(name in listed, "docs/language.md: why is %s refused?" % name)


def verbs():
    """fwctl(1) has each verb that fwctl knows, with each option of its usage."""
    manual = re.split(r"\n(?=\*)", read("docs/fwctl.1.scd"))
    rows = re.findall(r'^\t\{"(\w+)", \d+, -?\d+, \w+,\s*"(.*?)"', read("ctl/main.c"), re.M)
    expect(len(rows) > 10, "ctl/main.c: no verbs")
    for name, usage in rows:
        said = " ".join(p for p in manual if re.match(r"(\*\w+\*( \[\S+\])?, )*\*%s\*" % name, p))
        expect(said, "docs/fwctl.1.scd: no %s" % name)
        for option in set(re.findall(r"(?<![\w-])--?\w[\w-]*", usage)) - {"-4", "-6"}:
            expect(option in said, "docs/fwctl.1.scd: %s has no %s" % (name, option))


for doc in documents():
    links(doc, read(doc))
extensions()
refused()
verbs()
differences()
expect(documents(), "no documents")
for p in problems:
    print(p)
print("%d statements checked, %d wrong" % (checked, len(problems)))
sys.exit(1 if problems else 0)
