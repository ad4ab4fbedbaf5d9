"""Layers, activations and roles that several models share."""
