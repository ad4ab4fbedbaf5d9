"""The commands; the only place with imports inside functions, so that start-up does not import torch."""
