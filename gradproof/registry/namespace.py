"""The namespace `xp` that a body is written against: the Python array API standard (2024.12) with the groups `linalg`,
`fft`, `special` and `nn`, and with control flow (`cond`, `fori_loop`, `while_loop`, `scan`). Every backend and every
oracle hands out one of these, so that a missing operation is reported in the same words everywhere.

What a body may do with arrays themselves, because every backend and the oracles can: + - * / and ** with arrays and
real Python numbers on either side; < <= > >= == !=, and & | ~ of what they give; `abs`; `x @ y` of two matrices;
`shape`, `ndim`, `dtype`; indexing by integers, slices with a positive step, `...` and `None`. For the rest there are
functions:

- `xp.take`, `xp.take_along_axis` for integer arrays as indices, `xp.flip` for a negative step;
- `xp.where(mask, x, 0.0)` for a mask as an index: the shape of `x[mask]` depends on values, which compilers refuse;
- `xp.unstack` to iterate over rows, which one compiler refuses to do for an array;
- `xp.matmul` where a vector is involved, `xp.matrix_transpose` and `xp.permute_dims` for `.T` and `.mT`;
- `xp.floor_divide`, `xp.remainder`, `xp.logical_xor` for `//`, `%` and `^`; `math.prod(x.shape)` for `.size`;
- `xp.astype(mask, x.dtype)` before a mask is multiplied, `xp.asarray` before a NumPy array meets another array.

An array of integers made by `xp.asarray` is for indices: backends do not mix it with floats."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from gradproof.registry import formulas as _formulas
from gradproof.registry.advice import meant

GROUPS = ("linalg", "fft", "special", "nn")


class MissingOperation(AttributeError):
    """An operation that this namespace neither has natively nor can compose from a formula."""


class Group:
    """Operations under one prefix (`xp.` itself, `xp.nn.`, …): the native ones first, then textbook formulas.

    `owner` names the backend or oracle in errors. `natives` maps a name to what is handed out, unchanged: where a
    backend has a native operation, its own backward pass is what wants verifying. `formulas` maps a name to a
    function of `(xp, …)` that composes the operation from others."""

    def __init__(
        self,
        owner: str,
        prefix: str,
        natives: Mapping[str, Any],
        formulas: Mapping[str, Callable],
        xp: "Namespace | None" = None,
    ) -> None:
        self._owner, self._prefix = owner, prefix
        self._natives, self._formulas = natives, formulas
        self._xp = xp if xp is not None else self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in self._natives:
            found = self._natives[name]
        elif name in self._formulas:
            found = functools.partial(self._formulas[name], self._xp)
        else:
            hint = meant(self._prefix, name, self.operations(), self._xp.by_group())
            raise MissingOperation(f"{self._owner} has no {self._prefix}{name}" + (f". {hint}" if hint else ""))
        setattr(self, name, found)
        return found

    def operations(self) -> set[str]:
        """The names of all that is handed out, but for the groups."""
        return {*self._natives, *self._formulas}


class Namespace(Group):
    """The `xp` of one backend in one dtype on one device.

    `natives` are the operations of the main namespace; `groups` gives those of `linalg`, `fft`, `special` and `nn`.
    Creation functions among them make arrays of the dtype and device under test unless told otherwise."""

    def __init__(self, owner: str, natives: Mapping[str, Any], groups: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__(owner, "xp.", natives, _formulas.MAIN)
        for group in GROUPS:
            formulas = getattr(_formulas, group.upper())
            setattr(self, group, Group(owner, f"xp.{group}.", groups.get(group, {}), formulas, xp=self))

    def by_group(self) -> dict[str, set[str]]:
        """The names of all operations by group, "" the main one."""
        return {"": self.operations()} | {group: getattr(self, group).operations() for group in GROUPS}
