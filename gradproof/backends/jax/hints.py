"""What cannot be found out by trying: arguments for JAX's functions, and which of them have no derivative."""

HINTS = {}
REASONS = {}
