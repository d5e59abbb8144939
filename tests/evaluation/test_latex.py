"""LaTeX tables: balanced, escaped, of as many cells as columns; compiled where there is a LaTeX."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idf.evaluation import side_by_side, written_as
from idf.evaluation.report.latex import booktabs_table, latex
from tests.evaluation.folders import folder, told

EVERY_SPECIAL = r"\ { } $ & # _ % ~ ^ < > | ` -- --- [x] *"
KNOWN = {
    *("begin", "end", "centering", "caption", "toprule", "midrule", "bottomrule", "cmidrule", "multicolumn"),
    *("textbackslash", "textasciitilde", "textasciicircum", "textless", "textgreater", "textbar", "textasciigrave"),
}
TOKEN = re.compile(r"\\(?:[A-Za-z]+|.)|[^\\]", re.DOTALL)


def read(text: str) -> list[list[str]]:
    """Read a table as strictly as we can without a LaTeX: its rows of cells.

    Only known commands, braces and environments that close, no bare special sign, no text after a comment, and in each row
    as many cells as the table has columns.
    """
    lines = [line for line in text.splitlines() if not line.startswith("%")]
    opened, depth, columns = list[str](), 0, 0
    rows: list[list[str]] = [[""]]
    tokens = TOKEN.findall("\n".join(lines))
    spanned = 0
    i = 0
    while i < len(tokens):
        token = tokens[i]
        i += 1
        if token in ("\\begin", "\\end", "\\multicolumn", "\\cmidrule"):
            argument = "".join(tokens[i:]).split("\n")[0]
            name = re.match(r"(?:\(lr\))?\{([^{}]*)\}", argument)
            assert name, argument
            if token == "\\begin":
                opened.append(name[1])
            elif token == "\\end":
                assert opened.pop() == name[1]
            elif token == "\\multicolumn":
                spanned += int(name[1]) - 1
            if token == "\\begin" and name[1] == "tabular":
                kinds = re.match(r"\{tabular\}\{([lrc]+)\}", argument)
                assert kinds
                columns, rows = len(kinds[1]), [[""]]
            i += len(TOKEN.findall(name[0]))
        elif token == "\\\\":
            assert depth == 0
            assert opened[-1] == "tabular"
            assert len(rows[-1]) + spanned == columns, rows[-1]
            spanned = 0
            rows.append([""])
        elif re.fullmatch(r"\\[A-Za-z]+", token):
            assert token[1:] in KNOWN, token
        elif token.startswith("\\"):
            assert token[1] in "{}$&#_%", token
            rows[-1][-1] += token[1]
        elif token == "&":
            assert depth == 0
            assert opened[-1] == "tabular"
            rows[-1].append("")
        elif token in "{}":
            depth += 1 if token == "{" else -1
            assert depth >= 0
        else:
            assert token not in "$#_%~^<>|`", token
            rows[-1][-1] += token
    assert depth == 0
    assert opened == []
    return [[cell.strip() for cell in row] for row in rows]


def table_of(*names: str) -> str:
    spans = [("", ["world", "mode"]), *((name, ["%", "95 %"]) for name in names)]
    row = ["[Cube] rolling", "tqa", *["1", "[2, 3]"] * len(names)]
    return booktabs_table(spans, [[row, row], [], [row]], f"Of {', '.join(names)}.")


def test_a_table_has_its_parts_between_rules_of_booktabs():
    text = table_of("a", "b")
    assert [rule for rule in re.findall(r"\\(\w+rule)", text)] == [
        *("toprule", "cmidrule", "cmidrule", "midrule", "midrule", "bottomrule")
    ]
    assert "\\cmidrule(lr){3-4} \\cmidrule(lr){5-6}" in text
    assert read(text)[2][:2] == ["[Cube] rolling", "tqa"]
    assert text.startswith("% \\usepackage{booktabs}\n")


def test_no_row_begins_with_what_would_be_an_argument_of_the_row_before():
    assert not re.search(r"\\\\\s*[\[*]", table_of("a").replace("rule", ""))


def test_names_hold_no_command():
    text = table_of(EVERY_SPECIAL, r"\input{/etc/passwd}", "100% & _more_", "a\nb")
    read(text)
    assert r"\textbackslash{}input\{/etc/passwd\}" in text
    assert r"100\% \& \_more\_" in text
    assert "a b" in text


def test_what_cannot_be_printed_is_written_as_its_escape():
    assert latex("a\x00b\ud800c") == r"a\textbackslash{}x00b\textbackslash{}ud800c"
    assert latex("模型 é") == "模型 é"
    assert latex("a---b") == "a-{}-{}-b"


@given(st.text(max_size=40))
def test_any_name_leaves_a_table_whole(name):
    assert len(read(table_of(name, "b"))[2]) == 6


@pytest.fixture
def written(tmp_path: Path) -> str:
    rows = [one for mode in ("tqa", "vqa") for one in told(range(8), mode=mode)]
    runs = {name: folder(tmp_path / str(i), rows) for i, name in enumerate((EVERY_SPECIAL, "stage_2 (100%)"))}
    return written_as(side_by_side(runs), "tex")


def test_the_table_of_runs_has_accuracy_interval_and_tokens_of_each(written):
    rows = read(written)
    assert rows[1][:9] == ["world", "mode", "n", "%", "95 %", "tokens", "%", "95 %", "tokens"]
    assert rows[2] == ["Cube rolling", "tqa", "20", *["40.0", "[21.9, 61.3]", "10"] * 2]
    assert rows[4][:2] == ["Mean over worlds", "tqa"]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex here: the strict reader above must do")
def test_a_latex_compiles_it(written, tmp_path):
    (tmp_path / "table.tex").write_text(
        "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n"
        f"{written}{table_of(EVERY_SPECIAL, 'x')}\\end{{document}}\n"
    )
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "table.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "table.pdf").stat().st_size > 10_000
