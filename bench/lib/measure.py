# SPDX-License-Identifier: GPL-2.0-or-later
"""What all measurements share: options, interleaved rounds, medians and ratios, tables, JSON.

Contenders are run one after the other in every round, so that what disturbs the machine disturbs
all of them; a ratio is the median of the ratios within the rounds, not the ratio of medians.

A bar is a figure that fwd has set itself.  It holds, is missed, or was not measured, and then it
says why.  In a quick run the figures mean nothing, so no bar is judged.
"""
import argparse
import json
import os
import platform
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(1, os.path.join(HERE, "..", "..", "tests", "lib"))


def options(doc, rounds=5, seconds=1.0, more=()):
    """The options of a program; `more`: its own, as (name, keywords of add_argument)."""
    ap = argparse.ArgumentParser(description=doc.split("\n")[0])
    ap.add_argument("--rounds", type=int, help="default %d" % rounds)
    ap.add_argument("--seconds", type=float, help="of each measurement (default %g)" % seconds)
    ap.add_argument("--quick", action="store_true", help="does it run at all? figures are noise")
    ap.add_argument("--json", help="write the figures to this file, too")
    for name, keywords in more:
        ap.add_argument(name, **keywords)
    args = ap.parse_args()
    args.rounds = args.rounds or (1 if args.quick else rounds)
    args.seconds = args.seconds or (0.2 if args.quick else seconds)
    return args


def sizes(text):
    """1,100,10k: how many rules."""
    return [int(float(x[:-1]) * 1000) if x.endswith("k") else int(x) for x in text.split(",") if x]


def short(n):
    return "%dk" % (n // 1000) if n >= 1000 and n % 1000 == 0 else str(n)


def rounds(contenders, n, say=lambda text: None):
    """{name: run()} n times in turn; returns {name: [figures of each round]}."""
    results = {name: [] for name in contenders}
    for i in range(n):
        for name, run in contenders.items():
            say("round %d/%d %s" % (i + 1, n, name))
            results[name].append(run())
    return results


def median(results, name, key):
    return statistics.median(r[key] for r in results[name])


def ratio(results, name, base, key):
    """Of two contenders, taken within each round; None where one of them was not measured."""
    if not results.get(name) or not results.get(base):
        return None
    pairs = [(a[key], b[key]) for a, b in zip(results[name], results[base])]
    return statistics.median(a / b for a, b in pairs if b) if any(b for _, b in pairs) else None


def machine():
    with open("/proc/cpuinfo") as f:
        model = [x.split(":")[1].strip() for x in f if x.startswith("model name")]
    return {"cpus": os.cpu_count(), "cpu": model[0] if model else platform.machine(),
            "kernel": platform.release(), "load": os.getloadavg()[0]}


def progress(text):
    """Where one waits: on a terminal only, and gone when the table comes."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K" + text)
        sys.stderr.flush()


class Report:
    """One program's results, printed as they are added and written as JSON at the end."""

    def __init__(self, name, args):
        self.name, self.args = name, args
        self.data = {"name": name, "quick": args.quick, "rounds": args.rounds,
                     "machine": machine(), "tables": [], "bars": []}

    def table(self, title, columns, rows):
        """rows: [(name, {column: figure or None})]"""
        progress("")
        print("\n%s: %s (medians of %d round%s)" % (self.name, title, self.args.rounds,
                                                  "s" if self.args.rounds > 1 else ""))
        width = max([len(name) for name, _ in rows] + [8])
        print(" " * width + "".join(" %*s" % (max(len(c), 9), c) for c in columns))
        for name, row in rows:
            cells = ["-" if row.get(c) is None else "%.*f" % (places(row[c]), row[c])
                     for c in columns]
            print("%-*s" % (width, name) +
                  "".join(" %*s" % (max(len(c), 9), x) for c, x in zip(columns, cells)))
        sys.stdout.flush()
        self.data["tables"].append({"title": title, "columns": columns,
                                    "rows": [dict(row, name=name) for name, row in rows]})

    def of_results(self, title, results, keys, base=None, compared=()):
        """Medians of each contender, and ratios to `base`."""
        rows = []
        for name in results:
            row = {k: median(results, name, k) for k in keys if k in results[name][0]}
            for k in compared:
                row["%s/%s" % (k.split()[0], base)] = ratio(results, name, base, k)
            rows.append((name, row))
        self.table(title, list(keys) + ["%s/%s" % (k.split()[0], base) for k in compared], rows)
        self.data.setdefault("results", {})[title] = results

    def bar(self, number, what, value, sign, limit, why=""):
        """Bar `number` of the goals: value `sign` limit; a value of None: not measured, and why."""
        holds = None
        if value is not None and not self.args.quick:
            holds = value >= limit if sign == ">=" else value <= limit
        elif not why:
            why = "quick run" if self.args.quick else "not measured"
        self.data["bars"].append({"bar": number, "what": what, "value": value, "sign": sign,
                                  "limit": limit, "holds": holds, "why": why})

    def close(self):
        print_bars(self.data["bars"])
        if self.args.json:
            with open(self.args.json, "w") as f:
                json.dump(self.data, f, indent=1)


def places(x):
    return 0 if x == 0 or abs(x) >= 1000 else 1 if abs(x) >= 100 else 2 if abs(x) >= 0.1 else 4


def print_bars(bars):
    if bars:
        print("\n%-6s %-4s %-70s %10s    %s" % ("", "bar", "what", "measured", "wanted"))
    for b in bars:
        state = {True: "holds", False: "MISSED", None: "-"}[b["holds"]]
        value = "-" if b["value"] is None else "%.*f" % (places(b["value"]), b["value"])
        print("%-6s %-4s %-70s %10s %s %g%s" % (state, b["bar"], b["what"], value, b["sign"],
                                              b["limit"], "  (%s)" % b["why"] if b["why"] else ""))
    sys.stdout.flush()
