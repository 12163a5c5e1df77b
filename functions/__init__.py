"""What is differentiated: the registry of test functions, their domains and their hand-derived gradients.

A file of functions, here or anybody's, starts with `from functions import Reals, function`. One family is one file
beside this one; the machinery stands in the files with a leading underscore."""

from functions._domains import (
    Complex,
    Distinct,
    Domain,
    MultipleOfIdentity,
    Positive,
    PositiveDefinite,
    RankDeficient,
    Reals,
    SeparatedSpectrum,
    UnitInterval,
    WellConditioned,
)
from functions._namespace import MissingOperation, Namespace
from functions._registry import (
    Function,
    Inputs,
    Published,
    RegistryError,
    complex_weights,
    direction,
    function,
    load,
    load_builtin,
    weights,
)

__all__ = [
    "Complex",
    "Distinct",
    "Domain",
    "Function",
    "Inputs",
    "MissingOperation",
    "MultipleOfIdentity",
    "Namespace",
    "Positive",
    "PositiveDefinite",
    "Published",
    "RankDeficient",
    "Reals",
    "RegistryError",
    "SeparatedSpectrum",
    "UnitInterval",
    "WellConditioned",
    "complex_weights",
    "direction",
    "function",
    "load",
    "load_builtin",
    "weights",
]
