"""The tests that verify: the cells of the matrix are their parameters."""
