"""Columns of text as packed cells, in memory or in a file: looked at block by block, many cells at once."""
