"""From raw samples to batches: specs, splits, preparation, finding and unpacking files."""
