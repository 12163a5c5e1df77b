"""The failure capsule: one script per finding that needs nothing but the backend and NumPy, to be run by its
maintainers. It runs the function in the backend's own calls, prints what came and what is right, and exits with 1 while
the defect is there, 0 when it is gone, and 2 where it cannot tell."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from string import Template

import numpy as np

from gradproof import backends
from gradproof.backends import MODES
from gradproof.backends.adapter import REAL_PART, Adapter
from gradproof.backends.scripts import SCRIPTS
from gradproof.oracles.exact import FIRST_PRECISION
from gradproof.oracles.reference import Truth
from gradproof.oracles.verdict import Entry, Judgement, Verdict
from gradproof.registry import Function, Inputs, direction
from gradproof.report.origin import authors
from gradproof.report.scripts.native_code import NativeCode
from gradproof.report.scripts.seen import calls_seen
from gradproof.report.scripts.sources import CannotWrite, undefined_names

DIGITS = 30
"""As many digits are printed of what is expected."""

MISSING = re.compile(r"MissingOperation: (?P<owner>\w+) has no xp\.(?:(?P<group>\w+)\.)?(?P<name>\w+)")
NOTHING = re.compile(r"the (?P<what>value|gradient for (?P<argument>\w+)) is None")
SHAPE = re.compile(r"the (?P<what>value|gradient for (?P<argument>\w+)) has the shape \(.*\), not (?P<right>\(.*\))")
DTYPE = re.compile(r"the (?P<what>value|gradient for (?P<argument>\w+)) has the dtype \w+, not (?P<right>\w+)")


@dataclass(frozen=True)
class Case:
    """What a script shows: a function in a cell at an input, the judgement on it, and the truth it was held to. `batch`
    has the inputs of a batch, `proof` says how the truth is known, `notes` what else is to be told."""

    adapter: Adapter
    version: str
    function: Function
    device: str
    dtype: str
    mode: str
    inputs: Inputs
    judgement: Judgement
    truth: Truth | None = None
    batch: Inputs | None = None
    proof: str = ""
    notes: Sequence[str] = ()


def script(case: Case) -> str:
    """The script. Raises `CannotWrite`, which says why there is none."""
    if case.adapter.name not in SCRIPTS:
        raise CannotWrite(f"backends/scripts.py does not say how {case.adapter.name} is written")
    missing = MISSING.match(case.judgement.reason)
    text = _of_missing(case, missing) if missing else _Writer(case).text()
    if unknown := undefined_names(text):
        raise CannotWrite(f"it would need {', '.join(sorted(unknown))}")
    return text


def _title(case: Case, what: str) -> str:
    mode = case.mode.replace("_", " ")
    lines = [
        f"{_whose(case)}: {what}",
        "",
        f"    {case.function.formula}",
        "",
        f"Seen with {case.version} on the {case.device} in {case.dtype}, {mode} mode.",
        *case.notes,
        "Exits with 1 while this is so, 0 when it is right, 2 where it cannot be told.",
    ]
    text = "\n".join(lines).replace("\\", "\\\\").replace('"""', "'''")
    return f'"""{text}\n"""\n'


def _whose(case: Case) -> str:
    title = SCRIPTS[case.adapter.name].title
    if case.adapter.name not in case.function.implementations:
        return title
    return f"{authors(case.function, case.adapter.name) or 'A function'} on {title}"


HOOK = """import sys

# Above the other imports: whatever else goes wrong is not what this script is to show.
sys.excepthook = lambda *error: (sys.__excepthook__(*error), sys.exit(2))
"""


def _of_missing(case: Case, missing: re.Match) -> str:
    known = SCRIPTS[case.adapter.name]
    name, modules = missing["name"], known.groups.get(missing["group"] or "")
    if not modules:
        raise CannotWrite(f"{case.adapter.name} has nothing like the group {missing['group']}, in which to look")
    lines = [
        _title(case, f"there is no differentiable `{name}`"),
        f"{HOOK}\nimport importlib\n",
        f"modules = [importlib.import_module(name) for name in {list(modules)}]",
        f'found = [module.__name__ for module in modules if hasattr(module, "{name}")]',
        f"print(f\"{case.function.name}: {name} is in {{found or 'none'}} of {', '.join(modules)}\")",
        "sys.exit(0 if found else 1)",
    ]
    return "\n".join(lines) + "\n"


class _Writer:
    def __init__(self, case: Case) -> None:
        self.case, self.known = case, SCRIPTS[case.adapter.name]
        self.function, self.names = case.function, list(case.function.domains)
        self.mode = MODES[case.mode]

    def text(self) -> str:
        what, check = self._check()
        code = self._code()
        arguments, mode = self._arguments(), self._mode()
        body = [f"\n\n{text}\n" for text in code.used(("f", "gradient"))] + ["\n\n"]
        if mode:
            body.append(mode if mode.startswith("gradient") else f"{mode.strip()}\n\n\n")
        whole = "".join([*body, "\n", arguments, check])
        if code.imports.get("np", _NP) != _NP:
            whole = whole.replace("np.__version__", "numpy.__version__")
        setup = self.known.setup + (self.known.on_gpu if self.case.device == "gpu" else "")
        head = f"{_title(self.case, what)}\n{HOOK}\n{self._imports(code, whole)}\n{setup and chr(10)}{setup}"
        return re.sub(r"\n{4,}", "\n\n\n", head + whole)

    # What runs

    def _code(self) -> NativeCode:
        case, function = self.case, self.function
        own = function.implementations.get(case.adapter.name)
        xp = case.adapter.namespace(case.dtype, case.device)
        code = NativeCode(self.known, case.dtype)
        if own is None:
            spaces = [
                (adapter.namespace(dtype, device), adapter.arguments(function, case.inputs, dtype, device))
                for adapter, dtype, device in (
                    (case.adapter, case.dtype, case.device),
                    (backends.load("numpy"), "complex128" if function.is_complex else "float64", "cpu"),
                )
            ]
            refused = case.judgement.verdict == Verdict.UNSUPPORTED and case.mode != "reverse"
            code.seen = {} if refused and self.known.loses_shapes else calls_seen(function.body, spaces)
            if case.adapter.name == "numpy" and function.hand is not None:
                code.seen |= calls_seen(function.hand, spaces)
        code.function("f", own or function.body, None if own else xp)
        if not self.known.modes[case.mode] and function.hand is not None:
            code.function("gradient", function.hand, xp)
        return code

    def _imports(self, code: NativeCode, whole: str) -> str:
        standard = ["import platform"]
        standard += ["import math", "from decimal import Decimal"] if "Decimal" in whole else []
        # Some call another array library np; then NumPy has its own name.
        ours = "import numpy" if code.imports.get("np", _NP) != _NP else _NP
        lines = {*standard, *self.known.imports, *code.imports.values(), ours}
        first = sorted(line for line in lines if line.split()[1].split(".")[0] in _STANDARD)
        return "\n".join([*first, "", *sorted(lines - {*first})])

    def _mode(self) -> str:
        terms = [
            Template(self.known.complex_dot if d.is_complex else self.known.dot).safe_substitute(
                v=f"v_{n}", g=f"g[{i}]"
            )
            for i, (n, d) in enumerate(self.function.domains.items())
        ]
        numbers = ", ".join(map(str, range(len(self.names))))
        return Template(self.known.modes[self.case.mode]).safe_substitute(
            args=", ".join(self.names),
            along=", ".join(f"d_{n}" for n in self.names),
            velocity=", ".join(f"v_{n}" for n in self.names),
            numbers=f"({numbers},)" if len(self.names) == 1 else f"({numbers})",
            slope=" + ".join(terms),
        )

    def _arguments(self) -> str:
        worst = self.case.judgement.worst
        one_by_one = self.case.batch is None or (worst is not None and worst.argument == "value")
        lines = self._arrays("", self.case.inputs if one_by_one else self.case.batch)
        if self.mode.order == 2:
            lines += self._arrays("v_", direction(self.function))
        if self.case.mode == "forward":
            units = [np.zeros_like(x) for x in self.case.inputs]
            if worst is None or worst.argument not in self.names:
                units[0].flat[:1] = 1.0
            elif self.function.domains[worst.argument].is_complex:
                for part, prefix in enumerate(("d_", "i_")):
                    both = tuple(unit.copy() for unit in units)
                    both[self.names.index(worst.argument)][(*worst.index[:-1], part)] = 1.0
                    lines += self._arrays(prefix, both)
                return "".join(lines)
            else:
                units[self.names.index(worst.argument)][worst.index] = 1.0
            lines += self._arrays("d_", tuple(units))
        return "".join(lines)

    def _arrays(self, prefix: str, inputs: Inputs) -> list[str]:
        lines = []
        for (name, domain), x in zip(self.function.domains.items(), inputs, strict=True):
            dtype = self.case.dtype if domain.is_complex else REAL_PART.get(self.case.dtype, self.case.dtype)
            lines.append(f"{prefix}{name} = {self.known.array_of(domain.native(x), dtype, exactly=True)}\n")
        return lines

    def _call(self, target: str, tangents: str = "d_") -> str:
        arguments = ", ".join(self.names)
        if target == "value":
            return Template(self.known.value).substitute(args=arguments)
        if self.case.mode == "forward":
            return f"slope_along({arguments}, {', '.join(f'{tangents}{n}' for n in self.names)})"
        return f"gradient({arguments})"

    # What is looked at

    def _check(self) -> tuple[str, str]:
        judgement = self.case.judgement
        numpy = "Python {platform.python_version()}, NumPy {np.__version__}"
        versions = f'print(f"{numpy}, {self.known.title}", {self.known.version})\n'
        if judgement.verdict == Verdict.UNSUPPORTED:
            what, check = self._of_refusal(judgement.reason)
        elif judgement.worst is not None:
            what, check = self._of_entry(judgement.worst)
        else:
            what, check = self._of_structure(judgement.reason)
        return what, versions + check

    def _of_refusal(self, reason: str) -> tuple[str, str]:
        kind = reason.split(":")[0]
        value = "" if self.case.batch else f"    {self._call('value')}\n"
        return f"{self.function.name} is refused with {kind}", (
            f"try:\n{value}    {self._call('')}\n"
            "except Exception as error:\n"
            f'    if type(error).__name__ != "{kind}":\n        raise\n'
            '    print(f"{type(error).__name__}: {error}")\n    sys.exit(1)\n'
            'print("it is refused no more")\n'
        )

    def _of_structure(self, reason: str) -> tuple[str, str]:
        found = next((m for m in (p.match(reason) for p in (NOTHING, SHAPE, DTYPE)) if m), None)
        if found is None:
            raise CannotWrite(f"{reason}: a script sees one call only")
        is_value = found["what"] == "value"
        index = "" if is_value else f"[{self.names.index(found['argument'])}]"
        call = self._call("value" if is_value else "") + ("" if self.case.mode == "forward" else index)
        if "right" not in found.groupdict():
            shown, test = "got", "got is None"
        elif found["right"].startswith("("):
            shown, test = "tuple(got.shape)", f"tuple(got.shape) != {found['right']}"
        else:
            shown, test = "got.dtype", f'"{found["right"]}" not in str(got.dtype)'
        return f"{self.function.name}: {reason}", (
            f'got = {call}\nprint("{reason}:", {shown})\nsys.exit(1 if {test} else 0)\n'
        )

    def _of_entry(self, entry: Entry) -> tuple[str, str]:
        truth = self.case.truth
        if truth is None:
            raise CannotWrite("the truth it was held to is not known")
        is_value = entry.argument == "value"
        exact = truth.value if is_value else truth.gradient[self.names.index(entry.argument)]
        where = "f" if is_value else f"df/d{entry.argument}{list(entry.index) if entry.index else ''}"
        if self.mode.order == 2 and not is_value:
            where = f"(H v)_{entry.argument}{list(entry.index) if entry.index else ''}"
        lines = [f"# {line}\n" for line in (self.case.proof,) if line]
        if entry.expected.startswith("between"):
            if not entry.error > 0 and np.isfinite(entry.got):
                raise CannotWrite("at a kink, where each entry lies within its limits and they do not go together")
            low, high = entry.expected.split()[1::2]
            lines.append(f'LOW, HIGH = Decimal("{low}"), Decimal("{high}")\n')
            shown, test = "between {LOW} and {HIGH}", "LOW - BOUND <= Decimal(got) <= HIGH + BOUND"
        else:
            digits = exact.balls[entry.index].mid().str(DIGITS, radius=False)
            lines.append(f'EXPECTED = Decimal("{digits}")\n')
            shown, test = "{EXPECTED}", "abs(Decimal(got) - EXPECTED) <= BOUND"
        note = f"four times the rounding errors of {self.case.dtype} at this input"
        lines.append(f'BOUND = Decimal("{entry.bound!r}")  # {note}\n')
        lines += self._gots(entry, is_value)
        lines.append(f'print(f"{where}: expected {shown}, got {{got!r}}, which may be off by {{BOUND:.3g}}")\n')
        lines.append(f"sys.exit(0 if math.isfinite(got) and {test} else 1)\n")
        kind = "loses digits" if self.case.judgement.verdict == Verdict.IMPRECISE else "is wrong"
        return f"{where} of {self.function.name} {kind}", "".join(lines)

    def _gots(self, entry: Entry, is_value: bool) -> list[str]:
        domain = None if is_value else self.function.domains[entry.argument]
        is_complex = domain is not None and domain.is_complex
        wide = "torch.complex128" if is_complex else "torch.float64"
        if self.case.mode == "forward" and is_complex:
            return self._complex_slope(entry.index[-1])
        call = self._call("value" if is_value else "")
        index, part = (entry.index[:-1], entry.index[-1]) if is_complex else (entry.index, 0)
        if self.case.mode == "forward" and not is_value:
            index, wide = (), "torch.float64"
        elif not is_value:
            call += f"[{self.names.index(entry.argument)}]"
        tail = (".imag" if part else ".real") if is_complex else ""
        sign = "-" if is_complex and part and self.known.conjugate else ""
        lines = [f"# {self.known.title} gives df/dRe - i df/dIm.\n"] if sign else []
        lines.append(f"got = {Template(self.known.numbers).substitute(array=call, wide=wide)}\n")
        if self.mode.batched and not is_value:
            first, last = (f"{sign}float(got[{_inside((row, *index))}]{tail})" for row in (0, 2))
            expected = "EXPECTED" if not entry.expected.startswith("between") else "LOW"
            lines.append(
                f"got = max({first}, {last}, key=lambda g: abs(g - float({expected})) if g == g else math.inf)\n"
            )
        else:
            lines.append(f"got = {sign}float(got{f'[{_inside(index)}]' if index else ''}{tail})\n")
        return lines

    def _complex_slope(self, part: int) -> list[str]:
        # Both slopes are real; where one is not, what is made of them shows it.
        numbers = Template(self.known.numbers)
        along = [numbers.substitute(array=self._call("", tangents), wide="torch.float64") for tangents in ("d_", "i_")]
        return [
            "# The gradient is df/dRe + i df/dIm.\n",
            f"got = complex({along[0]}) + 1j * complex({along[1]})\n",
            f"got = got.{('real', 'imag')[part]}\n",
        ]


_NP = "import numpy as np"
_STANDARD = ("decimal", "math", "platform", "sys", "functools", "itertools", "importlib")


def _inside(index: tuple[int, ...]) -> str:
    return ", ".join(map(str, index))


def proof(truth: Truth, agreement: str, order: int) -> str:
    """Where the digits come from, in a line."""
    if truth.kink is not None:
        return "a kink: the limits of the gradient on all sides, by exact differences in ball arithmetic"
    how = f"ball arithmetic, {FIRST_PRECISION} bits or more"
    if order == 2 and truth.hand == "agrees":
        return f"exact differences of the hand-derived gradient along v: {how}"
    if order == 2:
        return f"exact second differences: {how}"
    return f"exact differences: {how}; they and the hand-derived gradient {agreement}" if agreement else how
