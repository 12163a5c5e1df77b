"""Which wrong gradients would be caught? Wrong ones of every kind are planted in the gradients of functions, and each is
examined as a right one is, at the points and a few draws."""

from collections.abc import Iterable, Sequence

from gradproof import backends
from gradproof.registry import Function
from gradproof.verification.mutants.trial import Fate, Outcome, Trials, Untried, modes_of
