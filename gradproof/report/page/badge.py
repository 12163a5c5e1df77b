"""The badge: one line that a README shows, as SVG."""

from markupsafe import escape

from gradproof.report.page.model import Overview

LABEL = "gradients"
LETTER = 6.6
"""About the width of a letter, in pixels; the text is fitted to it."""


def badge(found: Overview) -> str:
    """How many functions are right on all backends, or how many fail that nobody has recorded."""
    failing = len({row["function"] for row in found.failing})
    judged = [line for line in found.lines if line.agree is not None]
    agreeing = sum(bool(line.agree) for line in judged)
    text = f"{failing} failing" if failing else f"{agreeing} of {len(judged)} agree everywhere"
    return _drawn(LABEL, text, "#a62b0c" if failing else "#0b6b62")


def _drawn(label: str, text: str, colour: str) -> str:
    left, right = (int(len(part) * LETTER) + 12 for part in (label, text))
    told = escape(f"{label}: {text}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{told}">'
        f"<title>{told}</title>"
        f'<path fill="#3b3a37" d="M4 0H{left}V20H4a4 4 0 0 1-4-4V4a4 4 0 0 1 4-4z"/>'
        f'<path fill="{colour}" d="M{left} 0h{right - 4}a4 4 0 0 1 4 4v12a4 4 0 0 1-4 4H{left}z"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
        f'<text x="6" y="14" textLength="{left - 12}">{escape(label)}</text>'
        f'<text x="{left + 6}" y="14" textLength="{right - 12}">{escape(text)}</text></g></svg>\n'
    )
