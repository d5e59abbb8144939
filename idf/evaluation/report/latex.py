"""Tables in LaTeX: nothing that comes from outside is a command there."""

from __future__ import annotations

from collections.abc import Sequence

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\textasciigrave{}",
    '"': "''",
    **{sign: f"\\{sign}" for sign in "{}$&#_%"},
}


def latex(text: str) -> str:
    """Text that comes from outside, so that no character of it is a command, and it stays on one line.

    Letters of all scripts stay as they are; pdfLaTeX knows the Latin ones. What cannot be printed is written as its escape.
    """
    signs = []
    for sign in " ".join(text.split()):
        shown = sign if sign.isprintable() else sign.encode("unicode_escape").decode()
        signs += [_SPECIAL.get(one, one) for one in shown]
    return "".join(signs).replace("--", "-{}-").replace("--", "-{}-")


def booktabs_table(
    spans: Sequence[tuple[str, Sequence[str]]], bodies: Sequence[Sequence[Sequence[str]]], caption: str
) -> str:
    """A table as one float, for a document that uses the package booktabs.

    Args:
        spans: What stands above some columns ("" for nothing), and the names of these columns. The first two columns are
            texts, all others numbers.
        bodies: Parts of the table, with a rule between them; each is rows of texts, one for each column.
        caption: Its caption.
    """
    columns = [name for _, names in spans for name in names]
    above, rules, first = [], [], 1
    for title, names in spans:
        if names and title:
            above.append(f"\\multicolumn{{{len(names)}}}{{c}}{{{latex(title)}}}")
            rules.append(f"\\cmidrule(lr){{{first}-{first + len(names) - 1}}}")
        else:
            above += [""] * len(names)
        first += len(names)
    lines = [
        "% \\usepackage{booktabs}",
        "\\begin{table}",
        "  \\centering",
        f"  \\caption{{{latex(caption)}}}",
        f"  \\begin{{tabular}}{{{'l' * 2}{'r' * (len(columns) - 2)}}}",
        "    \\toprule",
        *([f"    {' & '.join(above)} \\\\", f"    {' '.join(rules)}"] if rules else []),
        f"    {_row(columns)}",
    ]
    for body in bodies:
        if body:
            lines += ["    \\midrule", *(f"    {_row(row)}" for row in body)]
    return "\n".join([*lines, "    \\bottomrule", "  \\end{tabular}", "\\end{table}"]) + "\n"


def _row(values: Sequence[str]) -> str:
    first, *others = map(latex, values)
    if first[:1] in ("[", "*"):  # after the end of a row it would be an argument of that
        first = f"{{{first[0]}}}{first[1:]}"
    return f"{' & '.join([first, *others])} \\\\"
