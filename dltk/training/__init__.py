"""The loop, learners, optimization, checkpoints, logs and the run directory."""
