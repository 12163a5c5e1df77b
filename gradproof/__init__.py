"""Gradproof verifies gradients. A file of functions, the built-in ones or anybody's own, starts with
`from gradproof import Reals, function`. Importing this imports no framework."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    "ArgumentError",
    "Complex",
    "Distinct",
    "GradientError",
    "GradproofWarning",
    "MultipleOfIdentity",
    "Positive",
    "PositiveDefinite",
    "RankDeficient",
    "Reals",
    "RegistryError",
    "Report",
    "SeparatedSpectrum",
    "UnitInterval",
    "Untraceable",
    "WellConditioned",
    "check_grads",
    "complex_weights",
    "direction",
    "function",
    "gradcheck",
    "gradgradcheck",
    "weights",
]

_LATER = dict.fromkeys(__all__, "gradproof.registry") | {
    **dict.fromkeys(("check_grads", "gradcheck", "gradgradcheck"), "gradproof.checking.call"),
    **dict.fromkeys(("GradientError", "GradproofWarning", "Report"), "gradproof.checking.report"),
    "ArgumentError": "gradproof.checking.asked",
    "Untraceable": "gradproof.oracles.tape",
}


def __getattr__(name: str) -> Any:
    # A file of functions needs no check_grads, and the help of the command needs neither: what they are made of takes a
    # second to import.
    if name not in _LATER:
        raise AttributeError(f"module 'gradproof' has no attribute {name!r}")
    return getattr(importlib.import_module(_LATER[name]), name)


def __dir__() -> list[str]:
    # What is completed as it is typed.
    return sorted({*globals(), *__all__})
