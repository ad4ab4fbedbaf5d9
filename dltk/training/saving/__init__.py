"""What is kept of a run on disk: complete or absent, inert, under digests."""
