"""The formula lines of the registry as MathML, which a browser typesets by itself. They are Unicode text as a person
writes it: ᵢ and ² are scripts, √ and Σ what they look like, words are prose. A line that is anything else stays text.

No library reads this notation: those that make MathML read LaTeX."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup, escape

FUNCTIONS = frozenset(
    "arccos arccosh arcsin arcsinh arctan arctanh argmax argmin atan2 conj conv cos cosh cumprod cumsum det diag dim "
    "erf erfc erfinv exp Im inv lim log max mean median min mod ndtr norm Pr rank Re relu sgn sign sin sinc sinh "
    "softmax softplus sort tan tanh tr tril triu vec".split()
)
SUMS = {"Σ": "∑", "Π": "∏", "∑": "∑", "∏": "∏", "∫": "∫"}
ACCENTS = {"\u0304": "¯", "\u0302": "^", "\u0303": "~", "\u0307": "˙"}
BRACKETS = {"(": ")", "[": "]", "{": "}"}
TOKEN = re.compile(
    r"(?P<code>`[^`]*`)|(?P<number>\d+(?:\.\d+)?)|(?P<word>[A-Za-z][a-z]+\d?(?![A-Za-z0-9_])|[A-Z]{2,})|(?P<under>_(?=\w))|(?P<one>\S)"
)


class NoFormula(Exception):
    """A line that is not written as formulas are."""


@dataclass
class Node:
    """A piece of MathML. `inner` is that of a bracket without its brackets."""

    kind: str
    markup: str
    has_space: bool
    inner: str = ""


def typeset(line: str) -> Markup:
    """A formula as HTML: MathML, broken where a line may break, with the words between as text."""
    try:
        return _Typesetter(line).html()
    except NoFormula:
        return Markup("<bdi>{}</bdi>").format(line)


@dataclass
class _Token:
    kind: str
    text: str
    has_space: bool


def _tokens(line: str) -> Iterator[_Token]:
    at = 0
    for match in TOKEN.finditer(line):
        kind, text = match.lastgroup or "", match.group()
        has_space = match.start() > at
        at = match.end()
        if kind == "one":
            kind = _kind_of(text)
        yield _Token(kind, text, has_space)


def _kind_of(c: str) -> str:
    if c in SUMS:
        return "sum"
    if c in "([{":
        return "open"
    if c in ")]}":
        return "close"
    if c in "√^":
        return {"√": "root", "^": "caret"}[c]
    tag = unicodedata.decomposition(c).split(" ")[0]
    if tag in ("<super>", "<sub>", "<fraction>"):
        return tag.strip("<>")
    if unicodedata.bidirectional(c) in ("R", "AL"):
        raise NoFormula
    category = unicodedata.category(c)
    if category == "Mn":
        return "accent"
    if category[0] == "L" or c in "∞∇":
        return "letter"
    if category[0] in "SP":
        return "sign"
    raise NoFormula


class _Typesetter:
    def __init__(self, line: str) -> None:
        self.tokens = list(_tokens(line))
        self.at = 0

    def html(self) -> Markup:
        parts: list[str] = []
        run: list[Node] = []

        def close() -> None:
            if run:
                parts.append(f"<math>{_row(run)}</math>")
                run.clear()

        for node in self._nodes(""):
            if node.kind == "comma" and not run and parts:
                parts[-1] += ","
                continue
            if node.kind == "word":
                close()
                parts.append(node.markup)
                continue
            run.append(node)
            if node.kind == "comma":
                close()
        close()
        return Markup(" ".join(parts))

    def _peek(self) -> _Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _nodes(self, closing: str) -> list[Node]:
        """Nodes up to a closing bracket, which is taken as well; of the whole line where there is none."""
        nodes: list[Node] = []
        while (token := self._peek()) is not None:
            if token.kind == "close":
                self.at += 1
                if token.text != closing:
                    raise NoFormula
                return nodes
            nodes.append(self._scripted(self._atom()))
        if closing:
            raise NoFormula
        return nodes

    def _atom(self) -> Node:
        token = self.tokens[self.at]
        self.at += 1
        text, space = token.text, token.has_space
        match token.kind:
            case "number":
                return Node("number", f"<mn>{text}</mn>", space)
            case "code":
                return Node("word", f"<code>{escape(text.strip('`'))}</code>", space)
            case "word":
                if text in FUNCTIONS:
                    return Node("function", f"<mi>{text}</mi>", space)
                return Node("word", str(escape(text)), space)
            case "letter":
                if self._is_prose(token):
                    return Node("word", text, space)
                return Node("letter", f"<mi>{escape(text)}</mi>", space)
            case "sum":
                return Node("sum", f"<mo>{SUMS[text]}</mo>", space)
            case "fraction":
                above, below = unicodedata.normalize("NFKD", text).split("\u2044")
                return Node("number", f"<mfrac><mn>{above}</mn><mn>{below}</mn></mfrac>", space)
            case "open":
                inner = _row(self._nodes(BRACKETS[text]))
                return Node("group", f"<mrow><mo>{text}</mo>{inner}<mo>{BRACKETS[text]}</mo></mrow>", space, inner)
            case "root":
                return self._root(space)
            case "sign":
                return self._sign(text, space)
        raise NoFormula

    def _is_prose(self, token: _Token) -> bool:
        # "a mean of a row": an article, and no variable.
        following = self._peek()
        return token.text == "a" and following is not None and following.kind == "word" and following.has_space

    def _sign(self, text: str, space: bool) -> Node:
        if text == ",":
            return Node("comma", "<mo>,</mo>", space)
        shown = {"-": "−", "'": "′", "*": "∗"}.get(text, str(escape(text)))
        stretches = ' stretchy="false"' if text in "|‖" else ""
        return Node("sign" if text != "/" else "slash", f"<mo{stretches}>{shown}</mo>", space)

    def _root(self, space: bool) -> Node:
        following = self._peek()
        if following is None:
            raise NoFormula
        if following.text == "|":
            self.at += 1
            inside = []
            while (token := self._peek()) is not None and token.text != "|":
                inside.append(self._scripted(self._atom()))
            if token is None:
                raise NoFormula
            self.at += 1
            bar = '<mo stretchy="false">|</mo>'
            return Node("letter", f"<msqrt>{bar}{_row(inside)}{bar}</msqrt>", space)
        node = self._atom()
        under = node.inner or node.markup
        if node.kind == "sum":
            under = _row([self._scripted(node), *self._factors()])
        return Node("letter", f"<msqrt>{under}</msqrt>", space)

    def _factors(self) -> list[Node]:
        """What a sum is over: the factors behind it, up to the next sign."""
        nodes = []
        while (token := self._peek()) is not None and token.kind in ("number", "letter", "open", "root", "fraction"):
            nodes.append(self._scripted(self._atom()))
        return nodes

    def _scripted(self, node: Node) -> Node:
        sub, sup = "", ""
        markup = node.markup
        while (token := self._peek()) is not None:
            if token.kind == "accent" and not sub and not sup:
                self.at += 1
                if token.text not in ACCENTS:
                    raise NoFormula
                markup = f'<mover accent="true">{markup}<mo>{ACCENTS[token.text]}</mo></mover>'
            elif token.kind == "sub" and not token.has_space:
                sub += self._run("sub")
            elif token.kind == "super" and not token.has_space:
                sup += self._run("super")
            elif token.kind == "under" and not token.has_space:
                self.at += 1
                sub += self._under()
            elif token.kind == "caret":
                self.at += 1
                sup += self._power()
            else:
                break
        if not (sub or sup):
            return Node(node.kind, markup, node.has_space, node.inner)
        kind = {"group": "letter", "number": "letter"}.get(node.kind, node.kind)
        below, beside = ("munder", "munderover") if node.kind == "sum" else ("msub", "msubsup")
        if sub and sup:
            return Node(kind, f"<{beside}>{markup}<mrow>{sub}</mrow><mrow>{sup}</mrow></{beside}>", node.has_space)
        tag = below if sub else ("mover" if node.kind == "sum" else "msup")
        return Node(kind, f"<{tag}>{markup}<mrow>{sub or sup}</mrow></{tag}>", node.has_space)

    def _run(self, kind: str) -> str:
        text = ""
        while (token := self._peek()) is not None and token.kind == kind and not (text and token.has_space):
            text += unicodedata.normalize("NFKD", token.text)
            self.at += 1
        return _small(text)

    def _under(self) -> str:
        """What stands below behind an underscore: letters and numbers, and what a comma joins to them."""
        text = ""
        while (token := self._peek()) is not None and not (text and token.has_space):
            joins = token.text == "," and self.at + 1 < len(self.tokens) and not self.tokens[self.at + 1].has_space
            if token.kind not in ("letter", "number", "word") and not joins:
                break
            text += token.text
            self.at += 1
        return _small(text)

    def _power(self) -> str:
        token = self._peek()
        sign = ""
        if token is not None and token.text in "-+":
            self.at += 1
            sign = f"<mo>{'−' if token.text == '-' else '+'}</mo>"
        if self._peek() is None:
            raise NoFormula
        node = self._atom()
        return sign + (node.inner or node.markup)


def _small(text: str) -> str:
    """The letters of a script, one by one."""
    parts = []
    for c in text:
        tag = "mn" if c.isdigit() else "mi" if c.isalpha() else "mo"
        parts.append(f"<{tag}>{'−' if c in '-−' else escape(c)}</{tag}>")
    return "".join(parts)


ATOMS = ("number", "letter", "group")


def _row(nodes: list[Node]) -> str:
    """Nodes side by side, a / b as a fraction where it is plain what stands above and below."""
    done: list[Node] = []
    waiting = list(nodes)
    while waiting:
        node = waiting.pop(0)
        if node.kind == "slash" and done and waiting and _is_above(done) and _is_below(waiting):
            above, below = done.pop(), waiting.pop(0)
            parts = [above.inner or above.markup]
            while done and not above.has_space and done[-1].kind in ("number", "letter") and above.kind != "group":
                above = done.pop()
                parts.insert(0, above.markup)
            markup = f"<mfrac><mrow>{''.join(parts)}</mrow><mrow>{below.inner or below.markup}</mrow></mfrac>"
            done.append(Node("fraction", markup, above.has_space))
        else:
            done.append(node)
    return "".join(_spaced(done))


def _is_above(done: list[Node]) -> bool:
    if done[-1].kind not in ATOMS:
        return False
    # The bracket of f(x) is not above alone.
    is_call = done[-1].kind == "group" and len(done) > 1 and not done[-1].has_space
    return not (is_call and done[-2].kind in ("letter", "function", "word"))


def _is_below(waiting: list[Node]) -> bool:
    if waiting[0].kind not in ATOMS:
        return False
    is_call = len(waiting) > 1 and waiting[1].kind == "group" and not waiting[1].has_space
    is_joined = len(waiting) > 1 and waiting[1].kind in ("letter", "number") and not waiting[1].has_space
    return not is_call and not is_joined


def _spaced(nodes: list[Node]) -> Iterator[str]:
    """Markup with the little space between factors that the writer left."""
    for i, node in enumerate(nodes):
        before = nodes[i - 1].kind if i else ""
        if node.kind == "word":
            yield f"<mtext>&nbsp;{re.sub('<.*?>', '', node.markup)}&nbsp;</mtext>"
            continue
        if node.has_space and before in (*ATOMS, "function", "fraction") and node.kind in (*ATOMS, "function", "sum"):
            yield '<mspace width="0.2em"></mspace>'
        yield node.markup
