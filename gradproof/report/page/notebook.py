"""The picture of one call of `check_grads` in a notebook: the verdict, what each mode and dtype gave, the computation
graph with its numbers, and the text beneath. It brings its own small style and changes nothing around it."""

from collections.abc import Sequence

from gradproof.oracles.tape.program import Tape
from gradproof.report.page import views
from gradproof.report.page.computation import Undrawn, graph_of_tape
from gradproof.report.page.graphs import drawn
from gradproof.report.page.model import overview
from gradproof.report.page.render import environment
from gradproof.report.rows.results import Row


def picture(
    verdict: str, title: str, rows: Sequence[Row], text: str, traced: tuple[Tape, int, list[str]] | None
) -> str:
    """The picture as HTML. `traced` is a tape, the cell of its value and the names of its inputs."""
    lines = overview(rows, {}).lines
    figure = ""
    if traced is not None:
        try:
            figure = drawn(graph_of_tape(*traced), f"The computation graph of {title}")
        except Undrawn:
            figure = ""
    return (
        environment()
        .get_template("notebook.html")
        .render(
            verdict=verdict,
            glyph=views.GLYPHS[verdict],
            tone=views.CLASSES[verdict],
            title=title,
            views=[views.function_view(line) for line in lines],
            figure=figure,
            text=text,
        )
    )
