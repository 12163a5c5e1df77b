"""Options of `gradproof verify` that are misspelt. They are told before pytest is started, which would load every
plugin to say that an argument is not recognized."""

import difflib
from collections.abc import Iterable, Sequence

OPTIONS = (
    *("--backend", "--device", "--dtype", "--mode", "--require", "--functions", "--results", "--reproduce"),
    *("--report", "--budget", "--baseline", "--tf32", "--hypothesis-profile", "--hypothesis-seed"),
)
"""The options that are ours, and those of Hypothesis that say how long is searched. A test holds them to those that are
declared."""

OF_PYTEST = (
    *("--verbose", "--quiet", "--exitfirst", "--maxfail", "--junitxml", "--collect-only", "--durations"),
    *("--last-failed", "--numprocesses", "--timeout", "--color", "--deselect", "--help", "--version"),
)
"""Those of pytest and its usual plugins that may have been meant."""

NEAR = 0.85
"""How much alike a word and an option are of which one is taken for the other misspelt: a letter or two. No option of
pytest, Hypothesis or pytest-xdist is so near to one of ours."""

LIKELY = 0.7
"""How much alike they are of which one is guessed to have been meant."""


def misspelt(arguments: Sequence[str]) -> str:
    """What is wrong with the first of these words that is one of our options but for a letter or two; empty where none
    is."""
    for word in _options(arguments):
        if word not in OPTIONS and difflib.get_close_matches(word, OPTIONS, n=1, cutoff=NEAR):
            return unknown([word])
    return ""


def unknown(words: Sequence[str]) -> str:
    """The sentence about options that nobody knows, with what was probably meant."""
    told = []
    for word in _options(words):
        close = difflib.get_close_matches(word, (*OPTIONS, *OF_PYTEST), n=1, cutoff=LIKELY)
        told.append(f"there is no option {word}." + (f" Did you mean {close[0]}?" if close else ""))
    return f"gradproof verify: {' '.join(told)} See gradproof verify --help"


def _options(words: Iterable[str]) -> list[str]:
    """The names of options among the words of a command line, without their values."""
    found = []
    for word in words:
        if word == "--":
            break
        if word.startswith("-") and word != "-":
            found.append(word.partition("=")[0])
    return list(dict.fromkeys(found))
