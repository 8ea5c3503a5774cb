#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# timeout: 240
# Every measurement runs, for a moment, and says what it should; how fast, nobody asks here.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
json=$(mktemp)
trap 'rm -f "$json"' EXIT
export FWD_BUILD=${FWD_BUILD:-$root/build}
env -u CLASSBENCH "$root/bench/run" --quick --json "$json" all
python3 - "$json" <<'END'
import json
import sys

programs = json.load(open(sys.argv[1]))["programs"]
wanted = ["classify", "conntrack", "queue", "throughput", "connections", "latency", "edit", "flood",
          "nat"]
assert sorted(programs) == sorted(wanted), sorted(programs)
for name in wanted:
    assert programs[name]["tables"] and programs[name]["bars"] or name == "conntrack", name
    for table in programs[name]["tables"]:
        for row in table["rows"]:
            figures = [row[c] for c in table["columns"] if row.get(c) is not None]
            assert figures, "%s: %s has no figures" % (table["title"], row["name"])
wrong = [b for b in programs["throughput"]["bars"] if "counted wrong" in b["what"] and b["value"]]
assert not wrong, "counters: %r" % wrong
fire = programs["edit"]["tables"][-1]["rows"][0]
assert fire["sent"] and fire["edits"] and not fire["lost"], "packets lost by edits: %r" % fire
print("bench-smoke: all programs ran")
END
