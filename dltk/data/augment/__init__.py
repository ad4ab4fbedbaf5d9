"""Training images varied at random: batched on the device, each sample in its own way, the same on every run."""
