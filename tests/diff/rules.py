# SPDX-License-Identifier: GPL-2.0-or-later
"""Random rulesets that mean something: addresses, ports and types (words.py) are those of the
traffic in traffic.py, so that most rules see packets, and each rule is one that iptables accepts
where it stands.  Nothing here depends on time: limits refill in minutes, recent looks back ten of
them."""
import re

from matches import PacketMatches
from stateful import StatefulMatches
from targets import Targets
from words import BUILTIN, INBOUND, MULTI

PROTO = {4: "icmp", 6: "ipv6-icmp"}
UNTRACKS = re.compile("-j (NOTRACK|CT --notrack)")
KNOWN = ("-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
         "-m state --state ESTABLISHED -j ACCEPT",
         "-m conntrack ! --ctstate INVALID,NEW -j ACCEPT")


class Ruleset:
    """policy[table][chain], user[table] = names, rules = [(table, chain, words)]."""

    def __init__(self, family):
        self.family, self.policy, self.user, self.rules = family, {}, {}, []

    def text(self, rules=None):
        rules = self.rules if rules is None else rules
        out = []
        for table in self.policy:
            out.append("*" + table)
            out += [":%s %s [0:0]" % kv for kv in self.policy[table].items()]
            out += [":%s - [0:0]" % u for u in self.user[table]]
            out += ["-A %s %s" % (c, w) if w else "-A " + c for t, c, w in rules if t == table]
            out.append("COMMIT")
        return "\n".join(out) + "\n"


class Gen(PacketMatches, StatefulMatches, Targets):
    """Rules and tables of them, from the parts."""

    def matches(self, table, hooks, proto):
        kinds = [self.m_iprange, self.m_length, self.m_ttl, self.m_mark, self.m_addrtype,
                 self.m_pkttype, self.m_comment, self.m_limit, self.m_time]
        if self.payload:
            kinds += [self.m_string, self.m_u32, self.m_bpf]
        if self.f == 6:
            kinds.append(lambda: self.m_ip6(hooks))
        if hooks <= {"PREROUTING"} and table != "filter":
            kinds.append(self.m_rpfilter)
        kinds.append(lambda: self.m_links(hooks))
        if self.rewrite:
            kinds += [self.m_tos, self.m_dscp, self.m_ttl]
            if proto == "tcp":
                kinds += [self.m_tcpmss] * 2 + [self.m_ecn] * (self.f == 4)
        if self.track:
            kinds += [self.m_connmark, self.m_connbytes]
            kinds.append(self.m_cluster)
            if hooks <= {"FORWARD"}:  # an answer of the host's own comes within the kernel's tick
                kinds.append(self.m_connlimit)
            kinds += [self.m_state] * 2 + [self.m_conntrack] * 3
        if self.recent:
            kinds += [self.m_recent] * 3
        if hooks <= INBOUND:
            kinds.append(self.m_mac)
        w = []
        own = {"tcp": self.m_tcp, "udp": self.m_udp, "icmp": self.m_icmp,
               "ipv6-icmp": self.m_icmp}.get(proto)
        if own and self.maybe(0.7):
            w.append(own())
        if proto in MULTI and self.maybe(0.25):
            w.append(self.m_multiport())
        for k in self.r.sample(kinds, self.r.choice([0, 0, 1, 1, 1, 1, 2, 3])):
            w.append(k())
        self.r.shuffle(w)
        return [x for m in w for x in m]

    def rule(self, table, hooks, jumps):
        proto = self.protocol() if self.maybe(0.55) else ""
        words = self.generic(hooks, proto) + self.matches(table, hooks, proto)
        target = self.target(table, hooks, proto, jumps)
        if target in ("-j DROP", "-j ACCEPT") and not words and self.maybe(0.9):
            target = ""
        return " ".join(words + [target] if target else words)

    def table(self, rs, table):
        """User chains first, the deepest last: a chain jumps only to later ones.  Which hooks
        reach a chain says which matches it may hold."""
        users = ["%s%d" % (self.r.choice(["ch", "Chain-", "u_"]), i)
                 for i in range(self.r.choice([0, 1, 2, 3, 4]))]
        rs.policy[table] = {c: "DROP" if table != "raw" and self.maybe(0.12) else "ACCEPT"
                            for c in BUILTIN[table]}
        rs.user[table] = users
        reach = {u: set() for u in users}
        plan = []
        for chain in BUILTIN[table]:
            want = self.r.randint(0, 7 if table == "filter" else 3)
            plan.append((chain, {chain}, users, want))
        for chain, hooks, jumps, n in plan:
            first = self.r.choice([0, 0, 0, 1])
            for i in range(n):
                if self.known and table == "filter" and i == first:
                    self.begin(rs, table, chain)
                self.put(rs, table, chain, hooks, jumps, reach)
        for i, u in enumerate(users):
            if not reach[u]:
                chain = self.r.choice(BUILTIN[table])
                rs.rules.append((table, chain, "-j " + u))
                reach[u].add(chain)
            hooks = reach[u]
            for _ in range(self.r.randint(1, 5)):
                self.put(rs, table, u, hooks, users[i + 1:], reach)

    def begin(self, rs, table, chain):
        """What is known passes; in some rulesets whoever is not on a list."""
        if self.lists:
            rs.rules += [(table, chain, words) for words in self.listing()]
        rs.rules.append((table, chain, self.r.choice(KNOWN)))

    def put(self, rs, table, chain, hooks, jumps, reach):
        self.in_user = chain in reach
        words = self.rule(table, hooks, jumps)
        w = words.split()
        if len(w) >= 2 and w[-2] in ("-j", "-g") and w[-1] in reach:
            reach[w[-1]] |= hooks
        rs.rules.append((table, chain, words))


def spare_answers(rules, family):
    """What raw says of answers to untracked packets, REJECT's or the stack's own errors, is another
    matter than in the kernel (docs/differences.md)."""
    rejects, icmp = any("-j REJECT" in w for _, _, w in rules), PROTO[family]
    for i, (table, chain, words) in enumerate(rules):
        if table != "raw" or chain == "PREROUTING" or not UNTRACKS.search(words):
            continue
        if rejects or "-p " + icmp in words or "! -p " in words:
            words = UNTRACKS.sub("-j ACCEPT", words)
        elif "-p " not in words:
            words = "! -p %s %s" % (icmp, words)
        rules[i] = (table, chain, words)


def generate(rng, family, tag, without=(), nat="", offload=False):
    """nat: "nat" for rules that translate, "kct" for one that only makes the kernel track."""
    g, rs = Gen(rng, family, tag, without, nat), Ruleset(family)
    g.known = offload and "track" not in without
    g.lists = g.known and "recent" not in without and g.maybe(0.25)
    if nat:
        import nat as translation
        (translation.table if nat == "nat" else translation.never)(g, rs)
    if g.maybe(0.25) and not g.lists:
        g.table(rs, "raw")
    if g.maybe(0.4) and not g.lists:
        g.table(rs, "mangle")
    g.table(rs, "filter")
    spare_answers(rs.rules, family)
    if nat:
        translation.spare_resets(rs.rules)
    return rs
