"""What was found: result rows, the closing summary, the text of a failure."""
