"""What happens to gradients and weights in one update."""
