"""Many whole steps as one call of machine code, for networks that would only wait for calls."""
