"""What was found: result rows, what a run closes with, standalone scripts, and tables to look things up in."""
