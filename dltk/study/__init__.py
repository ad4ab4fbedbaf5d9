"""Many runs: cross-validation, seeds, comparisons."""
