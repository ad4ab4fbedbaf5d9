"""Settings, registry, YAML with positions, seeds and errors; needs neither torch nor numpy."""
