"""One file per contestant: trains a workload, round by round, in a process of its own."""
