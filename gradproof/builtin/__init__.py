"""What a wheel carries beside the tool: in a checkout it lies in folders of its own, where gradproof.content finds it."""
