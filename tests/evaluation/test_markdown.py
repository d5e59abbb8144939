"""`report.md`: what comes from outside never becomes markup."""

from __future__ import annotations

import pytest

from idf.evaluation import baseline_cells, summarize, write_markdown
from idf.evaluation.report.markdown import markdown
from tests.evaluation.folders import RUN, told
from tests.evaluation.samples import ITEMS
from tests.sentences import line_that_says


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cube_rolling", "cube_rolling"),
        ("_x_ *y* `z`", r"\_x\_ \*y\* \`z\`"),
        ("a|b\nc", r"a\|b c"),
        ("<script> [x](y) # $1$", r"\<script\> \[x\](y) \# \$1\$"),
        ("back\\slash", r"back\\slash"),
    ],
)
def test_no_character_of_a_text_is_markup(text, shown):
    assert markdown(text) == shown


def test_the_report_has_the_table_the_players_the_notes_and_the_run(tmp_path):
    rows = told(range(8), size=3)
    results = {**summarize(rows), "baselines": baseline_cells(ITEMS, ["tqa"]), "run": RUN | {"evaluated": "a|b"}}
    path = write_markdown(results, tmp_path)
    assert path == tmp_path / "report.md"
    text = path.read_text()
    assert text.startswith("## a\\|b\n")
    shares = results["baselines"]["cube_rolling"]["tqa"]
    players = {part: " | ".join(f"{shares[part][name]:.1%}" for name in ("initial", "random")) for part in shares}
    assert f"\n| cube_rolling | tqa | 20 | 40.0% | 21.9% - 61.3% | {players['all']} |" in text
    assert f"\n| cube_rolling | tqa | easy | 20 | 40.0% | 21.9% - 61.3% | {players['easy']} |" in text
    line_that_says(text, "| mean over worlds | tqa | 20 | 40.0% |")
    line_that_says(text, "- With", "items", "gaps above")
    line_that_says(text, "- initial:", "start state")
    assert "### Tokens" in text
    line_that_says(text, "- p90:", "nine of ten")
    assert "\n| prompts | idf-long-1 |" in text
    for block in text.split("\n\n"):
        lines = [line.replace("\\|", "") for line in block.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in lines}) <= 1, "every line of a table has as many cells"


def test_without_tokens_there_is_no_table_of_tokens(tmp_path):
    results = {**summarize(told([], completion_tokens=None)), "run": RUN}
    assert "### Tokens" not in write_markdown(results, tmp_path).read_text()
