"""Gradproof verifies gradients. A file of functions, the built-in ones or anybody's own, starts with
`from gradproof import Reals, function`. Importing this imports no framework."""

from gradproof.registry import (
    Complex,
    Distinct,
    MultipleOfIdentity,
    Positive,
    PositiveDefinite,
    RankDeficient,
    Reals,
    RegistryError,
    SeparatedSpectrum,
    UnitInterval,
    WellConditioned,
    complex_weights,
    direction,
    function,
    weights,
)

__version__ = "0.2.0"

__all__ = [
    "Complex",
    "Distinct",
    "MultipleOfIdentity",
    "Positive",
    "PositiveDefinite",
    "RankDeficient",
    "Reals",
    "RegistryError",
    "SeparatedSpectrum",
    "UnitInterval",
    "WellConditioned",
    "complex_weights",
    "direction",
    "function",
    "weights",
]
