"""Run directories: made, locked, found, listed and told."""
