"""What is claimed: `verification` holds the backends to the truth, `unit` holds the suite to its own claims."""
