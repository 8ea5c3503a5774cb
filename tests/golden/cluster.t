# SPDX-License-Identifier: GPL-2.0-or-later
# -m cluster.
@family both
-m cluster --cluster-total-nodes 2 --cluster-local-node 1 --cluster-hash-seed 0xdeadbeef => -m cluster --cluster-local-nodemask 0x00000001 --cluster-total-nodes 2 --cluster-hash-seed 0xdeadbeef
                                              => list: cluster node_mask=0x00000001 total_nodes=2 hash_seed=0xdeadbeef
-m cluster ! --cluster-local-nodemask 5 --cluster-total-nodes 32 --cluster-hash-seed 1 => -m cluster ! --cluster-local-nodemask 0x00000005 --cluster-total-nodes 32 --cluster-hash-seed 0x00000001
                                              => list: cluster !node_mask=0x00000005 total_nodes=32 hash_seed=0x00000001
-m cluster --cluster-total-nodes 33 --cluster-local-node 1 --cluster-hash-seed 1 => words: cluster: bad value for option "--cluster-total-nodes", or out of range (1-32).
                                              => exit: 2
-m cluster --cluster-total-nodes 2 --cluster-local-node 3 --cluster-hash-seed 1 => words: cluster match: `--cluster-local-node' must be <= `--cluster-total-nodes'
-m cluster --cluster-total-nodes 2 --cluster-local-nodemask 4 --cluster-hash-seed 1 => words: cluster match: `--cluster-local-nodemask' too big for `--cluster-total-nodes'
-m cluster --cluster-total-nodes 2 --cluster-local-node 1 => words: cluster: option "--cluster-hash-seed" must be specified
-m cluster --cluster-total-nodes 2 --cluster-hash-seed 1 => words: cluster match: `--cluster-local-node' or`--cluster-local-nodemask' is missing
-m cluster --cluster-total-nodes 2 --cluster-local-node 1 --cluster-local-nodemask 1 --cluster-hash-seed 1 => words: cluster: option "--cluster-local-node" cannot be used together with "--cluster-local-nodemask".
