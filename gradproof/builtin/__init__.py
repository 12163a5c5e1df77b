"""Holds what a wheel carries beside the tool: in a checkout that lies in folders of its own."""
