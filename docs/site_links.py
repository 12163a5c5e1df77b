"""For the site: what a page links to outside this folder is code, and stands there as its path; in the checkout, where
the page is read as it is, the link leads to it."""

import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Put paths in the places of links that leave this folder."""

    def path_of(link: re.Match[str]) -> str:
        target = (ROOT / "docs" / link[2].partition("#")[0]).resolve()
        if not target.exists():
            return link[0]  # dead, which is for the build to say
        return f"`{target.relative_to(ROOT)}`"

    return re.sub(r"\[([^\]]+)\]\((\.\./[^)]+)\)", path_of, markdown)
