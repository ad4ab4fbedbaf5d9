"""Sample-weighted means and thin names over well-kept metric libraries."""
