"""This repository is the tool's first client: its pytest knows Gradproof's options."""

pytest_plugins = ["gradproof.plugin"]
