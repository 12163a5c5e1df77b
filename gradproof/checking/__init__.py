"""Anybody's own gradient, verified by one call: `check_grads` and `gradcheck`, and the report that they return."""
