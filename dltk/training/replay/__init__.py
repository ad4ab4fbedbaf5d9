"""Passes through a tiny network that are recorded once and made again, without what stands between the kernels."""
