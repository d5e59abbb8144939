"""What the docs show is what happens."""

from __future__ import annotations

import doctest
import json
import re
import sys
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))
from tokens import table

from idf.imagery import BASICS, kinds_of
from idf.suites import MAIN_FILES, published
from idf.suites._published import MAIN_ROWS
from idf.version import VERSION
from idf.worlds import WORLDS
from tests.imagery.test_basics import end_of_chain

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")])
EXAMPLES = [page for page in PAGES if ">>> " in page.read_text()]
WRAPPED = [
    "add-a-world.md",
    "architecture.md",
    "audit.md",
    "backends.md",
    "cluster.md",
    "compare.md",
    "data.md",
    "different.md",
    "drawing.md",
    "endpoints.md",
    "environments.md",
    "evaluation.md",
    "filter.md",
    "index.md",
    "integrations.md",
    "loop-study.md",
    "loop.md",
    "plan.md",
    "plans.md",
    "play.md",
    "pretrained-methods.md",
    "probe-study.md",
    "prompts.md",
    "reinforcement.md",
    "rewards.md",
    "rl-study.md",
    "safety.md",
    "scoring.md",
    "seeing-study.md",
    "statistics.md",
    "study.md",
    "suites.md",
    "teachers.md",
    "training.md",
    "transfer.md",
    "tutorial-score.md",
    "tutorial-train.md",
    "uncertain.md",
    "worlds.md",
    "write-a-backend.md",
    "xtuner.md",
]
"""Pages in plain English; each line of prose has at most 100 characters."""


@pytest.mark.parametrize("page", EXAMPLES, ids=lambda page: page.name)
def test_examples_print_what_stands_below_them(page):
    failed, tried = doctest.testfile(str(page), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert tried > 0
    assert failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        found = page.parent / path if path else page
        assert found.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in anchors(found.read_text()), f"{page.name}: {target}"


def test_the_table_of_lengths_in_tokens_is_that_of_the_committed_result():
    told = json.loads((ROOT / "bench/results/tokens.json").read_text())
    assert table(told["imagery"], told["traces"]) in (ROOT / "docs/statistics.md").read_text()


def test_what_making_data_costs_is_what_the_committed_result_says():
    told = json.loads((ROOT / "bench/results/data.json").read_text())
    whole, memory, cube = told["whole"], told["memory"], told["worlds"]["rubiks_cube"]
    new, kept = (cube[f"matplotlib, {figure} figure"] for figure in ("new", "kept"))
    assert (
        f"20,000 samples over five worlds, pictures and parquet included, in {whole['seconds']:.0f} s on two CPU cores; a "
        f"Rubik's Cube picture {new['picture_times_idf']:.0f} times as fast as with a new matplotlib figure for each, "
        f"{kept['picture_times_idf']:.0f} times as fast as with one figure kept"
    ) in " ".join((ROOT / "README.md").read_text().split())
    page = " ".join((ROOT / "docs/data.md").read_text().split())
    assert f"Measured on two cores ({told['machine']['processor']})" in page
    assert f"take **{whole['seconds']:.0f} s** on two workers ({whole['cpu_seconds']:.0f} s of processor time" in page
    assert (
        f"{whole['largest_process_mib']} MiB for the largest process, and {whole['parquet_mib']} MiB of parquet" in page
    )
    for way, name in (
        (told["all"]["idf"], "idf, mean of the five worlds"),
        (cube["idf"], "idf, Rubik's Cube"),
        (new, "matplotlib, Rubik's Cube, a new figure for each picture"),
        (kept, "matplotlib, Rubik's Cube, one figure kept and its colours changed"),
    ):
        row = " | ".join(f"{ms:.2f}" if ms < 10 else f"{ms:.1f}" for ms in (*way["ms"].values(), way["total_ms"]))
        times = f" ({way['times_idf']:.0f} times as long; draw and encode {way['picture_times_idf']:.0f} times)"
        assert f"| {name} | {row}{times if 'matplotlib' in name else ''} |" in page
    hours, gibibytes = whole["cpu_seconds"] * 500 / 3600, whole["parquet_mib"] * 500 / 1024
    assert f"500 times that: {hours:.1f} hours of one core, {gibibytes:.0f} GiB" in page
    assert f"on 64 cores in about {hours * 60 / 64:.0f} minutes" in page
    choosing, tables, chosen = (
        memory[f"{name}_bytes_per_sample"] / 1000 for name in ("choosing_peak", "shortcuts_peak", "chosen")
    )
    assert f"holds {choosing:.2f} kB of objects per sample at its peak" in page
    assert f"shortcut tables at the end {tables:.2f} kB beside the {chosen:.2f} kB of what was chosen" in page
    assert f"some {(tables + chosen) * 10:.0f} GB in all" in page


def test_the_page_on_worlds_names_the_kinds_of_samples_that_each_world_has():
    page = (ROOT / "docs/worlds.md").read_text()
    for name, world in WORLDS.items():
        kinds = [f"`{kind}`" for kind in kinds_of(world)]
        skills = [kind for kind in kinds if kind.strip("`") in BASICS]
        simulations = [kind for kind in kinds if kind not in skills]
        assert f"| `{name}` | {' '.join(simulations)} | {' '.join([*skills, '|'])}" in page


def test_the_example_of_a_chain_is_a_true_one():
    page = (ROOT / "docs/data.md").read_text()
    prompt = page.split("One prompt and its answer (`relations`):")[1].split("    Z (0,0,0)")[0]
    answer = re.search(r"Answer: (.*)", page.split("    Z (0,0,0)")[1])
    assert answer is not None
    assert end_of_chain(prompt) == answer[1]


@pytest.mark.parametrize("name", WRAPPED)
def test_lines_are_wrapped(name):
    page = (ROOT / "docs" / name).read_text()
    lines = prose(re.sub(r"<!-- results -->.*?<!-- end -->", "", page, flags=re.S))  # those are printed by a script
    assert len(lines) > 10
    assert [line for line in lines if len(line) > 100] == []


def prose(text: str) -> list[str]:
    """The lines outside of code and tables, without the targets of links."""
    lines = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S).splitlines()
    return [re.sub(r"\]\([^)\s]+\)", "]", line) for line in lines if line and not line.startswith(("    ", "|"))]


def test_the_page_of_the_papers_figures_holds_what_its_json_holds_and_nothing_more():
    told = json.loads((ROOT / "docs/reported.json").read_text())
    page = (ROOT / "docs/reported.md").read_text()
    figures = [f"| {row['what']} | {row['reported']} | {row['source']} |" for row in told["figures"]]
    findings = [f"| {row['what']} | {row['source']} |" for row in told["findings"]]
    sources = [f"| {name} | {what} |" for name, what in told["sources"].items()]
    rows = [line for line in page.splitlines() if line.startswith("| ") and not line.startswith("| ---")]
    heads = ["| what | reported | where from |", "| source | is |", "| reported | where from |"]
    assert rows == [heads[0], *figures, heads[1], *sources, heads[2], *findings]
    assert {row["source"] for row in told["figures"] + told["findings"]} == set(told["sources"])
    assert [line[2:] for line in page.splitlines() if line.startswith("- ")] == told["not_found"]
    assert told["looked"] in page


@pytest.mark.parametrize("name", ["README.md", "docs/data.md", "docs/suites.md"])
def test_where_decontamination_is_claimed_it_is_said_how_much_the_shipped_hashes_cover(name):
    page = " ".join((ROOT / name).read_text().replace("published rows", "rows").split())
    files = published().files
    assert f"{sum(files.values())} rows" in page
    assert f"{sum(files.get(main, 0) for main in MAIN_FILES)} of the {MAIN_ROWS:,} items of the five main files" in page


def test_the_citation_names_the_version_and_its_date_in_the_changelog():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    newest = re.search(r"^## (\S+) \((.+)\)$", (ROOT / "CHANGELOG.md").read_text(), flags=re.M)
    assert newest is not None
    assert (citation["version"], str(citation["date-released"])) == newest.groups()
    assert citation["version"] == VERSION


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
