# SPDX-License-Identifier: GPL-2.0-or-later
"""A case of the differential test: a ruleset and packets, from a seed or from a file."""
import json
import random

import crowd
import pkt
import rare
import rules
import traffic


class Case:
    def __init__(self, seed, family, packets, without=(), nat="", many=0, rarities=False):
        self.seed, self.family = seed, family or (4 if seed % 2 else 6)
        rng = random.Random(seed)
        self.nat, self.offload = nat, seed // 2 % 2 == 0
        self.rules = rules.generate(rng, self.family, "t%d_" % (seed % 1000000), without, nat,
                                    self.offload)
        if many:
            crowd.fill(rng, self.rules, many, "track" not in without and seed % 3 == 0)
        self.steps = traffic.generate(rng, self.family, packets, nat, self.offload)
        if rarities:
            rare.fill(rng, self, without)
        if nat == "nat":
            self.spare_groups()

    def spare_groups(self):
        """The kernel's cluster makes a multicast frame the host's own, and what is translated in it
        is answered (docs/differences.md)."""
        if any("-m cluster" in words for _, _, words in self.rules.rules):
            for step in self.steps:
                step["l2"] = {"multicast": "unicast"}.get(step["l2"], step["l2"])

    def dump(self, path, problems):
        steps = [dict(s, pkt=s["pkt"].hex()) for s in self.steps]
        with open(path, "w") as f:
            json.dump({"seed": self.seed, "nat": self.nat, "offload": self.offload,
                       "family": self.family, "policy": self.rules.policy,
                       "user": self.rules.user, "rules": self.rules.rules, "steps": steps,
                       "problems": problems, "text": self.rules.text().splitlines(),
                       "shown": ["%d %s %s" % (i, s["at"], pkt.show(s["pkt"]))
                                 for i, s in enumerate(self.steps)]}, f, indent=1)

    @staticmethod
    def load(path):
        with open(path) as f:
            d = json.load(f)
        c = Case.__new__(Case)
        c.seed, c.family, c.nat = d["seed"], d["family"], d.get("nat", "")
        c.offload = d.get("offload", False)
        c.rules = rules.Ruleset(c.family)
        c.rules.policy, c.rules.user = d["policy"], d["user"]
        c.rules.rules = [tuple(r) for r in d["rules"]]
        c.steps = [dict(s, pkt=bytes.fromhex(s["pkt"])) for s in d["steps"]]
        return c
