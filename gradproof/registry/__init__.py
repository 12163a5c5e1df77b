"""What is differentiated: the registry of test functions, their domains and their hand-derived gradients, and the
namespace `xp` that they are written against."""

from gradproof.registry.domains import (
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
from gradproof.registry.loading import find, helpers, load, load_builtin
from gradproof.registry.namespace import MissingOperation, Namespace
from gradproof.registry.record import Function, Inputs, NotFinite, Published, RegistryError, function
from gradproof.registry.weights import complex_weights, direction, weights

__all__ = [
    "Complex",
    "Distinct",
    "Domain",
    "Function",
    "Inputs",
    "MissingOperation",
    "MultipleOfIdentity",
    "Namespace",
    "NotFinite",
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
    "find",
    "function",
    "helpers",
    "load",
    "load_builtin",
    "weights",
]
