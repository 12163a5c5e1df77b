"""Arguments and results that are trees of arrays: dicts, lists, tuples and named tuples, taken apart and put together,
with the path to each leaf as one writes it in Python. Frameworks that have trees of their own use those."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Leaf = tuple[str, Any]
"""The path of a leaf behind the tree's name, as `["w"][0]`, and the leaf."""


def key_path(key: Any) -> str:
    """How an entry of a mapping or a sequence is written."""
    return f'["{key}"]' if isinstance(key, str) else f"[{key!r}]"


def flatten(tree: Any) -> tuple[list[Leaf], Callable[[Iterable[Any]], Any]]:
    """The leaves of a tree, and the function that puts other leaves in their places."""
    leaves: list[Leaf] = []

    def walk(node: Any, path: str) -> Callable[[Iterable[Any]], Any]:
        if isinstance(node, Mapping):
            parts = {key: walk(value, path + key_path(key)) for key, value in node.items()}
            return lambda given: type(node)((key, part(given)) for key, part in parts.items())
        if isinstance(node, tuple) and hasattr(node, "_fields"):
            named = [walk(value, f"{path}.{name}") for name, value in zip(node._fields, node, strict=True)]
            return lambda given: type(node)(*(part(given) for part in named))
        if isinstance(node, list | tuple):
            items = [walk(value, f"{path}[{i}]") for i, value in enumerate(node)]
            return lambda given: type(node)(part(given) for part in items)
        if dataclasses.is_dataclass(node) and not isinstance(node, type):
            names = [field.name for field in dataclasses.fields(node)]
            fields = {name: walk(getattr(node, name), f"{path}.{name}") for name in names}
            return lambda given: dataclasses.replace(node, **{name: part(given) for name, part in fields.items()})
        leaves.append((path, node))
        return next

    build = walk(tree, "")
    return leaves, lambda given: build(iter(given))
