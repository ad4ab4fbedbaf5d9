"""Data that do not fit in memory: files written once, and read row by row."""
