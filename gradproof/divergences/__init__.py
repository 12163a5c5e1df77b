"""Where a backend is known to differ from the truth, as data: one TOML file per backend, an entry per cause.

A `[[cause]]` has an `id`, a `kind`, a `reason`, an upstream `issue` (an address, or "unreported"), the `versions` of
the backend that have it, where one is known a `workaround`, what a person can write instead, and where somebody looked
for a public thread `searched`, the day and the words, as in "2026-11-30: acosh complex gradient sign"; each
`[[cause.shows]]` under it is a place where it shows: `function`, `verdict`, `input`, and where need be `variants`,
`dtypes`, `devices`, `modes`, `region`, `error`, `answer`, a `note`, and an `issue` (with what was `searched` for it) or
`versions` of its own. `Divergence` says what they mean.

A place asserts the deviant behaviour. At its `input`, always tried, the verdict must be the recorded one; within its
`region`, where there is one, a draw may earn it too. A release that mends it, or makes it worse, fails the run.

A place of the kind `convention` names, as its `instead`, the other definition that the library documents: a function of
`definitions.py` in the same folder, with the same arguments. The answer must lie within the bounds of that one, at the
witness and in the region."""

from gradproof.divergences.checking import check
from gradproof.divergences.reading import load, parse, use
from gradproof.divergences.record import KINDS, VERDICTS, Divergence, DivergenceError

__all__ = ["KINDS", "VERDICTS", "Divergence", "DivergenceError", "check", "load", "parse", "use"]
