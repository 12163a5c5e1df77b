"""The matrix: every function on every backend, device, dtype and mode."""
