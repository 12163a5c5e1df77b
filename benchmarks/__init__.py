"""What it costs and what it finds, beside the peers' own checkers."""
