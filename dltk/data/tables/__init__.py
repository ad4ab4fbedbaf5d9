"""Tables: columns typed, fitted on training rows, and encoded."""
