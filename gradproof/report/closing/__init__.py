"""What a run closes with: the summary, the table of what was tried, and the text of a failure."""
