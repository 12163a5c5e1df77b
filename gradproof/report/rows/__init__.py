"""Result rows: what a run writes, and how the rows of several runs are compared and merged."""
