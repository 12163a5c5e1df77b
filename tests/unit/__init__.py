"""The suite's own tests: the oracles, the adapters, the registry, the command line."""
