"""The page: what was found, to be looked at. One file that holds everything, or a site with a page per function.
Figures are drawn here, as SVG: they need no script, print as they are, and take the colours of the page in light and
dark."""
