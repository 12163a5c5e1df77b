"""One function worked at one input: its forward and backward pass node by node, in exact digits and in plain NumPy, and
what each backend gives beside the truth."""

import ast
import math
import re
import shlex
import textwrap
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from gradproof import backends
from gradproof.oracles import exact
from gradproof.oracles.agreement import Agreement, hand_against_exact
from gradproof.oracles.balls import BallArithmetic, Balls, ComplexBalls
from gradproof.oracles.balls.complex_numbers import of_pairs, pairs_of
from gradproof.oracles.kinks import Kink
from gradproof.oracles.machine_model import FORMATS
from gradproof.oracles.reference import Exact
from gradproof.oracles.tape.evaluation import Evaluation
from gradproof.oracles.tape.program import Tape
from gradproof.oracles.tape.sweep import Sweep
from gradproof.oracles.whole import Recordings, WholeReference
from gradproof.registry import Function, Inputs, NotFinite
from gradproof.report.answers import answer, computable, dtype_of
from gradproof.report.numbers import shown
from gradproof.report.outcome import Outcome, Unusable
from gradproof.report.passes import Node, Pass, passed, tape_lines
from gradproof.report.text import WIDTH, columns, laid_out, shell_lines, wrapped

MOST_NODES = 60
"""So many nodes of a tape are shown."""

MOST_ENTRIES = 12
"""So many entries of a gradient are compared with each backend."""

PLAIN = "numpy"
"""The backend whose arrays a pass is shown in, and which runs the hand-derived gradient."""

COMPARED_FOR = 5.0
"""Seconds for which the entries of a derivation are held to exact differences."""

WIDEST_LINE = 64
"""Letters of a line of code that are shown."""


def _literal(keyword: ast.keyword) -> Any:
    """The number or the list of numbers that stands behind a name. Raises `ValueError`."""
    try:
        value = ast.literal_eval(keyword.value)
    except ValueError as error:
        raise ValueError(f"{keyword.arg} is neither a number nor a list of numbers, in digits") from error
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"the rows of {keyword.arg} are not of one length") from error
    if array.size and array.dtype.kind not in "iufc":
        raise ValueError(f"{keyword.arg} is neither a number nor a list of numbers")
    if not np.isfinite(array).all():
        raise ValueError(f"{keyword.arg} is larger than any number of float64")
    return value


def _unread(text: str) -> str:
    """Why no input can be read in a text."""
    found = re.search(r"[^\s,(=]\s+(\w+)\s*=(?!=)", text)
    return f"a comma is missing before {found[1]}" if found else "it cannot be read"


def values_at(text: str) -> dict[str, Any]:
    """The numbers and lists of numbers that `x=1000, w=[1, 2]` gives by name. Raises `Unusable`."""
    try:
        call = ast.parse(f"f({text})", mode="eval").body
        if not isinstance(call, ast.Call) or call.args or any(keyword.arg is None for keyword in call.keywords):
            raise ValueError("each argument is given by its name")
        twice = [name for name, count in Counter(keyword.arg for keyword in call.keywords).items() if count > 1]
        if twice:
            raise ValueError(f"{twice[0]} is given twice")
        found = {str(keyword.arg): _literal(keyword) for keyword in call.keywords}
    except (SyntaxError, ValueError, TypeError) as error:
        # What Python says of its syntax is about a call that nobody wrote.
        why = _unread(text) if isinstance(error, SyntaxError) else error
        raise Unusable(f"--at {text!r}: {why}; give one such as --at 'x=1000, w=[0.5, -1.25]'") from error
    return found


def explain(function: Function, at: str = "", names: Sequence[str] = ()) -> Outcome:
    """The passes of a function at the input that `at` gives, or at its first point, and the gradients of these
    backends beside the exact one. Raises `Unusable` and `RegistryError`."""
    function.check()
    function, inputs = placed(function, at)
    with computable(), at_given(at):
        reference = WholeReference(function)
        truth = reference.truth(inputs)
        head = (f"{function.name} at {written_input(function, inputs)}", function.formula, outside(function, inputs))
        lines = [*(part for line in head for part in textwrap.wrap(line, WIDTH)), ""]
        agreement = Agreement(math.inf)
        if function.hand is None:
            lines += _by_tape(function, inputs)
        else:
            # At a kink there is nothing to hold a derivation to.
            agreement = hand_against_exact(function, inputs, COMPARED_FOR) if truth.kink is None else agreement
            lines += _by_derivation(function, inputs, agreement.wrong)
        if truth.kink is not None:
            lines += ["", *_of_kink(function, inputs, truth.kink)]
        else:
            lines += [
                *([] if agreement.holds else _disagreement(function, agreement)),
                "",
                *_beside(function, inputs, truth.value, truth.gradient, names),
            ]
    return Outcome("\n".join(lines))


@contextmanager
def at_given(at: str) -> Iterator[None]:
    """For an input that `at` gives: what NumPy warns of stands in the numbers, and where the function is not finite it
    is no domain or point that is at fault. Raises `Unusable`."""
    try:
        with np.errstate(all="ignore"):
            yield
    except NotFinite as error:
        if not at:
            raise
        raise Unusable(str(error).replace(NotFinite.CURE, "Give another input")) from error


def outside(function: Function, inputs: Inputs) -> str:
    """That an input lies outside of the domain, where the function is held to nothing; empty where it does not."""
    told = []
    for (name, domain), x in zip(function.domains.items(), inputs, strict=True):
        low, high = domain.limits
        if ((x < low) | (x > high)).any():
            told.append(f"{name}, from {low:.6g} to {high:.6g}")
    return f"outside of the domain of {'; of '.join(told)}: no run tries such an input" if told else ""


def _of_kink(function: Function, inputs: Inputs, kink: Kink) -> list[str]:
    """That there is no derivative, and the command that says what the backends give there."""
    if not kink.exists:
        return wrapped("there is no derivative here: beside this input the slopes grow without end, or never settle")
    files = [] if function.is_builtin else ["--functions", function.path]
    is_point = any(all(map(np.array_equal, point, inputs)) for point in function.points)
    asked = ["conventions", function.name] if is_point else ["blame", function.name, "--at", _all_of(function, inputs)]
    command = shell_lines(shlex.join(["gradproof", *asked, *files]), WIDTH - 2)
    return ["this is a kink: there is no derivative here. Who takes which:", *(f"  {line}" for line in command)]


def _disagreement(function: Function, agreement: Agreement) -> list[str]:
    """That the derivation, whose numbers stand above, is not that of the body, whose gradient stands beneath."""
    told = f"the derivation at {function.hand_where} and exact differences {agreement}: {agreement.reason}"
    return ["", *wrapped(told)]


def placed(function: Function, at: str) -> tuple[Function, Inputs]:
    """The function and the input that `at` gives, or its first point: of other shapes than its domain's the function is
    taken for these, where it computes there. Raises `Unusable` and `RegistryError`."""
    if not at:
        if not function.points:
            raise function.error("it has no point; give an input with --at")
        return function, function.points[0]
    values = values_at(at)
    if set(values) != set(function.domains):
        unknown = [name for name in values if name not in function.domains]
        why = f"{unknown[0]} is none of its arguments" if unknown else f"--at gives {', '.join(values) or 'nothing'}"
        raise function.error(f"{why}; give each argument, as {_example(function)}")
    unreal = [name for name, d in function.domains.items() if np.iscomplexobj(values[name]) and not d.is_complex]
    if unreal:
        raise function.error(f"--at gives {unreal[0]} a complex number; its domain has real ones")
    arrays = {
        name: np.asarray(values[name], np.complex128 if domain.is_complex else np.float64)
        for name, domain in function.domains.items()
    }
    other = [name for name, domain in function.domains.items() if arrays[name].shape != domain.shape]
    inputs = tuple(domain.reals(arrays[name]) for name, domain in function.domains.items())
    if not other:
        return function, inputs
    there = function.at_shapes({name: array.shape for name, array in arrays.items()})
    if why := _not_computed(there, inputs):
        name = other[0]
        told = f"--at gives {name} the shape {arrays[name].shape}; its domain has {function.domains[name].shape}"
        raise function.error(f"{told}, as {_example(function)}, and elsewhere it does not compute: {why}")
    return there, inputs


def _not_computed(function: Function, inputs: Inputs) -> str:
    """Why the body or the derivation does not compute at an input of other shapes than its domain's, in plain NumPy;
    empty where they do."""
    adapter = backends.load(PLAIN)
    xp = adapter.namespace(dtype_of(function), "cpu")
    arguments = adapter.arguments(function, inputs, dtype_of(function), "cpu")
    try:
        with np.errstate(all="ignore"):
            value = np.shape(function.body(xp, *arguments))
            parts = [] if function.hand is None else function.gradient_by_hand(xp, *arguments)
    except Exception as error:  # whatever a body raises
        return f"{type(error).__name__}: {error}"
    if value:
        return f"its value has the shape {value}"
    given = [np.shape(part) for part in parts]
    shapes = [domain.shape for domain in function.domains.values()]
    return "" if not parts or given == shapes else f"its derivation gives the shapes {given}"


def _example(function: Function) -> str:
    """An input as it is written, of zeros where there is no point."""
    zeros = tuple(np.zeros(domain.real_shape) for domain in function.domains.values())
    text = written_input(function, function.points[0] if function.points else zeros)
    return f"--at {shlex.quote(text)}" if len(text) <= WIDTH else "gradproof show has one"


def written_input(function: Function, inputs: Inputs) -> str:
    """An input by the names of its arguments, of a large array its beginning."""
    return ", ".join(text if len(text) < 80 else f"{text[:77]}…" for text in _arguments(function, inputs))


def _all_of(function: Function, inputs: Inputs) -> str:
    """An input as `--at` takes it."""
    return ", ".join(_arguments(function, inputs))


def _arguments(function: Function, inputs: Inputs) -> list[str]:
    pairs = zip(function.domains.items(), inputs, strict=True)
    return [f"{name} = {domain.native(x).tolist()}" for (name, domain), x in pairs]


def _by_derivation(function: Function, inputs: Inputs, wrong: Collection[str]) -> list[str]:
    """The body's and the derivation's own lines, each with its value in exact digits and in NumPy's float64. Where
    arguments are `wrong` in it, the numbers of the derivation are its own and no truth."""
    adapter = backends.load(PLAIN)
    xp = adapter.namespace(dtype_of(function), "cpu")
    plain = adapter.arguments(function, inputs, dtype_of(function), "cpu")
    exactly = exact.precisely(lambda: _in_balls(function, inputs), _has_digits)
    codes = ((function.body, ["f"]), (function.hand, [f"df/d{name}" for name in function.domains]))
    lines = [["", "in exact digits" if wrong else "exactly", "in NumPy's float64"]]
    for ours, title, (code, results) in zip(exactly, ("forward", "backward"), codes, strict=True):
        theirs = passed(code, xp, *plain)
        own = bool(wrong) and code is function.hand
        lines.append([f"{title}, as derived, which is not what is right" if own else title, "", ""])
        if not ours.nodes and not ours.written:
            lines.append(["  its operations cannot be told apart: give each a name on a line of its own", "", ""])
        lines += [_node(*pair) for pair in zip(ours.nodes, theirs.nodes, strict=False) if shown(pair[0].value)]
        written = ours.written if len(ours.written) == len(results) else [""] * len(results)
        for name, text, right, got in zip(
            results, written, _parts(ours.returned), _parts(theirs.returned), strict=True
        ):
            off = " (off)" if own and name.removeprefix("df/d") in wrong else ""
            line = f"{_cut(f'  → {name} = {text}' if text else f'  → {name}')}{off}"
            lines.append([line, shown(right), shown(got)])
    if max(map(len, columns(lines))) > WIDTH:
        # The numbers are what is asked for, and what stands behind a # is in the source.
        lines = [[line[0].partition("  #")[0], *line[1:]] for line in lines]
    return laid_out(lines, beside=1)


def _in_balls(function: Function, inputs: Inputs) -> list[Pass]:
    """The forward and the backward pass in ball arithmetic, at the precision that is set."""
    on = BallArithmetic()
    domains = function.domains.values()
    balls = [of_pairs(on.inputs(x)) if d.is_complex else on.inputs(x) for d, x in zip(domains, inputs, strict=True)]
    return [passed(code, on.namespace(), *balls) for code in (function.body, function.hand)]


def _has_digits(passes: Sequence[Pass]) -> bool:
    """Whether each number of the passes has digits: beside it stands a gradient that has them."""
    values = [value for one in passes for value in (*(node.value for node in one.nodes), *_parts(one.returned))]
    values = [pairs_of(value) if isinstance(value, ComplexBalls) else value for value in values]
    return exact.told_from_zero(ball for value in values if isinstance(value, Balls) for ball in value.entries.flat)


def _parts(returned: Any) -> list[Any]:
    return list(returned) if isinstance(returned, tuple | list) else [returned]


def _node(node: Node, other: Node) -> list[str]:
    # One line may give several names their values.
    line = node.line if node.line.startswith(f"{node.name} =") else f"{node.name}, in: {node.line}"
    return [_cut(f"  {line}"), shown(node.value), shown(other.value)]


def _cut(line: str) -> str:
    return line if len(line) <= WIDEST_LINE else f"{line[: WIDEST_LINE - 2]} …"


def _by_tape(function: Function, inputs: Inputs) -> list[str]:
    recorded = Recordings(function).at(inputs)
    if isinstance(recorded, str):
        raise Unusable(f"{function.name}: there is no derivation, and its body cannot be recorded: {recorded}")
    tape, output = recorded
    evaluation, sweep, _ = swept(tape, output)
    return of_tape(evaluation, sweep, list(function.domains))


def swept(tape: Tape, output: int) -> tuple[Evaluation, Sweep, list[np.ndarray]]:
    """A tape, evaluated and swept back from one of its cells, and its gradient, each number with digits to be shown."""

    def sweep() -> tuple[Evaluation, Sweep, list[np.ndarray]]:
        evaluation = Evaluation(tape).forward()
        found = Sweep(evaluation)
        return evaluation, found, found.run(output)

    return exact.precisely(sweep, lambda found: exact.told_from_zero([*found[0].cells, *found[1].adjoints]))


def of_tape(evaluation: Evaluation, sweep: Sweep, names: Sequence[str]) -> list[str]:
    """The passes over a tape as a table."""
    head = ["node", "", "value", "derivative of the result in it"]
    return laid_out([head, *tape_lines(evaluation, sweep, names, MOST_NODES)], beside=2)


def _beside(
    function: Function, inputs: Inputs, value: Exact, gradient: Sequence[Exact], names: Sequence[str]
) -> list[str]:
    """The exact gradient entry by entry, and what each backend gives."""
    answers = {name: answer(function, name, inputs) for name in names}
    lines = [["gradient", "exactly", "got", "by", "off by"]]
    shapes = [(name, np.shape(part.high)) for name, part in zip(function.domains, gradient, strict=True)]
    entries = [(i, name, index) for i, (name, shape) in enumerate(shapes) for index in np.ndindex(shape)]
    for i, name, index in entries[:MOST_ENTRIES]:
        where = f"df/d{name}{list(index) if index else ''}"
        got = {who: float(given[i][index]) for who, given in answers.items() if not isinstance(given, str)}
        lines += entry_lines(where, gradient[i], index, got)
    if len(entries) > MOST_ENTRIES:
        lines.append([f"and {len(entries) - MOST_ENTRIES} more entries", "", "", "", ""])
    problems = [f"{who}: {given.splitlines()[0]}" for who, given in answers.items() if isinstance(given, str)]
    return [*laid_out(lines, beside=2), *(part for line in problems for part in wrapped(line))]


def entry_lines(where: str, right: Exact, index: tuple[int, ...], got: dict[str, float]) -> list[list[str]]:
    """One entry: its exact digits, and what came, each number once with all who gave it."""
    who: dict[float, list[str]] = {}
    for name, value in got.items():
        who.setdefault(value, []).append(name)
    true = exact.digits(right.balls[index], 20)
    lines = []
    for value, names in who.items():
        error = float(right.distance(np.full(np.shape(right.high), value))[index])
        lines.append(["", "", repr(value), ", ".join(names), _size(error, float(right.high[index]))])
    lines = lines or [["", "", "", "", ""]]
    lines[0][:2] = [where, true]
    return lines


def _size(error: float, true: float) -> str:
    if error == 0:
        return "0"
    if true == 0:
        return f"{error:.2g}"
    last = 2.0 ** (int(np.frexp(abs(true))[1]) - FORMATS["float64"].precision)
    return f"{error:.2g}, {error / last:.2g} ulp"
