"""What a call of `check_grads` may be told of what it asks for."""


class ArgumentError(ValueError):
    """A call of `check_grads` that asks for nothing that could be verified. The message names cause and cure."""

    __module__ = "gradproof"
