"""Texts: cut into words or characters, looked up in a vocabulary, and coded."""
