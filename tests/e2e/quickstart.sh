#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# quickstart --host in a namespace that stands for the host: it refuses nobody, and leaves nothing.
# (The sandbox half is run by ./check itself.)
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
ns=${FWTEST_PREFIX:-fwtest}-$$-quickstart out=$(mktemp)
ip netns add "$ns"
trap 'kill $pid 2>/dev/null || true; ip netns del "$ns"; rm -f "$out"' EXIT
pid=''
in_ns() { nsenter --net=/run/netns/"$ns" -- "$@"; }
in_ns ip link set lo up

# A job of a script ignores Ctrl-C (SIGINT) unless told otherwise; a terminal sends it to the group.
nsenter --net=/run/netns/"$ns" -- env FWD_BUILD="${FWD_BUILD:-$root/build}" python3 -c '
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.setpgid(0, 0)
os.execv(sys.argv[1], sys.argv[1:])' "$root/quickstart" --host >"$out" 2>&1 &
pid=$!
for _ in $(seq 200); do
	grep -q 'Ctrl-C ends it' "$out" && break
	sleep 0.05
done
grep -q 'Ctrl-C ends it' "$out" || { cat "$out"; exit 1; }
in_ns nft list tables | grep -q fwdd || { echo "no table fwdd"; exit 1; }
in_ns ping -q -c 2 -i 0.05 -W 1 127.0.0.1 >/dev/null || { echo "ping is refused"; exit 1; }
kill -INT -- "-$pid"
wait "$pid" && rc=0 || rc=$?
[ $rc = 0 ] || { cat "$out"; echo "exit code $rc"; exit 1; }
! in_ns nft list tables | grep . || { echo "tables are left"; exit 1; }
grep -q 'Chain INPUT (policy ACCEPT' "$out" || { cat "$out"; exit 1; }
pid=''
