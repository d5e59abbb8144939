"""What a study's report writes into its page of the docs."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

BEGIN, END = "<!-- results -->", "<!-- end -->"


def write_page(
    page: Path, told: str, picture: Path | None = None, figure: Figure | None = None, shows: str = ""
) -> None:
    """Put the tables between the marks of a page, and the figure that they stand below.

    Args:
        page: The page, with the two marks in it.
        told: The tables, as Markdown.
        picture: Where the figure is written as PNG, below the page's folder.
        figure: The figure; None for none.
        shows: What the figure shows, for those who do not see it.
    """
    if picture is not None and figure is not None:
        picture.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(picture, dpi=150, metadata={"Software": None})
        told = f"![{shows}]({picture.relative_to(page.parent).as_posix()})\n\n{told}"
    page.write_text(with_results(page.read_text(), told))


def with_results(page: str, results: str) -> str:
    """A page with other results between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise SystemExit(f"the page lacks the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{results}\n{END}{after}"


def results_on(page: Path) -> str:
    """What stands between the marks of a page."""
    return page.read_text().partition(BEGIN)[2].partition(END)[0]
