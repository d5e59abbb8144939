"""A run's own responses, judged again by today's scoring rules; nobody is asked anything."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idf.backends import OPENAI_URL, Response
from idf.errors import UserError
from idf.scoring.rules_version import RULES_VERSION
from idf.suites import Item, SuiteRecipe, open_suite, suite_name, task_key

from ..metrics.comparable import rules_of
from ..metrics.results import check_whole, read_results, read_samples
from ..metrics.row import Row
from ..metrics.wording import wording_gap
from ..report.markdown import write_markdown
from ..report.modes import gap_table, step_table
from ..report.plots import write_summary_png
from ..report.report import write_report
from ..report.tables import table
from .answers import Answers
from .episodes import played_again, trivial_cells
from .facts import cluster_of, facts_of
from .games import Turns
from .llm_parser import Agreement, judged_by_quotes, known_quote
from .output import EXERCISES, HELD_OUT, PUBLISHED_PICTURES, RESULTS
from .queries import Ask
from .results import write_results
from .score import scored


@dataclass(frozen=True)
class Rescoring:
    """What is judged again, and where to.

    Attributes:
        folder: The run: a folder that `idf-eval` wrote.
        out: Another folder for the new results; None for the run's own, with the old ones kept in a folder beside them.
        suite: Where the suite lies now; None for where the run says.
        answers: The run's folder of answers, for quotes of a language model; None for the one in the run's folder.
        parser_url: The endpoint that quoted; None for the one that the run says, else OpenAI's.
    """

    folder: Path
    out: Path | None = None
    suite: str | None = None
    answers: Path | None = None
    parser_url: str | None = None


def rescore(job: Rescoring, *, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Judge the stored responses of a run again, write the results, and say which verdicts changed.

    Everything is read and judged before anything is written. In place, the old files are first copied to
    `FOLDER/judged-by-rules-<version>`; new ones take their places whole.

    Args:
        job: What is judged again.
        say: Says in a sentence what was found.

    Returns:
        What the new `results.json` says.

    Raises:
        UserError: The run or its suite is not there, or not whole, or not the one that was asked; nothing is changed then.
    """
    folders = [job.folder] + [more for more in _asked_again(job.folder) if (more / "results.json").exists()]
    if job.out is not None and (job.out / "results.json").exists():
        raise UserError(
            f"--out {job.out} holds results already: name another folder, or leave --out out to rescore in place"
        )
    judged = [_judged(job, folder) for folder in folders]
    reworded = next((one for one in judged if one.folder.name == HELD_OUT and one.folder != job.folder), None)
    for one in judged:
        out = one.folder if job.out is None else job.out / one.folder.relative_to(job.folder)
        if job.out is None:
            say(f"the results until now are in {_kept(one)}")
        _write(one, out, reworded if one.folder == job.folder else None)
        results = read_results(out)
        tables = "\n\n".join(filter(None, (table(results), gap_table(results), step_table(results))))
        say(f"{one.run.get('evaluated')} on {one.run.get('suite')}, judged again\n{tables}\n{one.text}")
    return read_results(job.out or job.folder)


def _asked_again(folder: Path) -> list[Path]:
    """Where the results of a run lie that asked once more."""
    return [folder / PUBLISHED_PICTURES, folder / HELD_OUT, folder / EXERCISES]


@dataclass(frozen=True)
class _Judged:
    """One folder's rows, before and after."""

    folder: Path
    run: dict[str, Any]
    items: list[Item]
    before: list[Row]
    after: list[Row]
    agreement: Agreement | None

    @property
    def changed(self) -> list[tuple[Row, Row]]:
        pairs = zip(self.before, self.after, strict=True)
        return [(old, new) for old, new in pairs if (_class(old), old.parsed) != (_class(new), new.parsed)]

    @property
    def kinds(self) -> Counter[str]:
        """How many verdicts of each kind became one of another; an answer that is read otherwise is a kind of its own."""
        return Counter(
            f"{_class(old)} -> {_class(new)}" if _class(old) != _class(new) else f"{_class(old)}, another answer read"
            for old, new in self.changed
        )

    @property
    def text(self) -> str:
        said = f"{len(self.changed)} of {len(self.after)} verdicts changed (rules: {rules_of(self.run)}, now {RULES_VERSION})"
        return "\n".join([said, *(f"  {n:>5}  {kind}" for kind, n in self.kinds.most_common())])


def _class(row: Row) -> str:
    return "correct" if row.correct else str(row.error)


def _judged(job: Rescoring, folder: Path) -> _Judged:
    results, before = read_results(folder), read_samples(folder)
    # Only the rows: verdicts differ from the results where an earlier rescoring was killed between two files.
    check_whole(folder, results, before, verdicts=False)
    run = results["run"]
    items = items_of(folder, run, before, job.suite)
    by_id = {item.id: item for item in items}
    turns = Turns(**run["episodes"]) if "episodes" in run else None
    after = [
        played_again(by_id[row.id], row, turns)
        if turns is not None
        else scored(
            Ask(by_id[row.id], row.mode, row.sample),
            Response(row.response, row.prompt_tokens, row.completion_tokens, row.finish_reason, seconds=row.seconds),
        )
        for row in before
    ]
    agreement = None
    if "parser" in run:
        after, agreement = judged_by_quotes(after, items, _quotes(job, run, before, by_id))
    return _Judged(folder, run, items, before, after, agreement)


def items_of(folder: Path, run: dict[str, Any], rows: Sequence[Row], suite: str | None = None) -> list[Item]:
    """The items that the rows of a run belong to, in the order in which they were asked.

    Args:
        folder: The run.
        run: `run` of its `results.json`.
        rows: Its rows.
        suite: Where the suite lies now; None for where the run says.

    Raises:
        UserError: The suite is not there, or not the one that was asked.
    """
    if suite is None and "items_per_cell" in run:  # what the evaluation hook of a training asked
        from idf.imagery import draw_suite  # not above: whoever scores stored responses shall not wait for parquet

        hook = SuiteRecipe(
            items=run["items_per_cell"],
            worlds=run["worlds"],
            difficulties=run["difficulties"],
            kinds=run.get("kinds", []),
            max_pixels=run["max_pixels"],
        )
        name, found = "the suite of the hook", draw_suite(hook)[0]
    else:
        name = suite_name(suite or str(run.get("suite")))
        try:
            found = open_suite(name)
        except UserError as error:
            raise UserError(
                f"{error}; {folder} was asked {run.get('suite')}: name where it lies now with --suite"
            ) from None
    known = {item.id: item for item in found}
    ids = list(dict.fromkeys(row.id for row in rows))
    if strange := [id for id in ids if id not in known]:
        raise UserError(
            f"{len(strange)} items of {folder} are not in {name}, {strange[0]} among them: name it with --suite"
        )
    items = [known[id] for id in ids]
    problems = {id: ("", task_key(known[id]), cluster_of(known[id])) for id in ids}
    if other := [row.id for row in rows if row.cluster not in problems[row.id]]:
        raise UserError(f"{other[0]} is another problem in {name} than {folder} was asked: name its suite with --suite")
    told = run.get("suite_sha256")
    # Rows of an older version do not say their problem, those of images only whose images they are.
    silent = any(not row.cluster or row.group is not None for row in rows)
    if silent and told not in (None, facts_of(items)["suite_sha256"]):
        raise UserError(f"{name} is not the suite that {folder} was asked (suite_sha256): name it with --suite")
    return items


def _quotes(job: Rescoring, run: dict[str, Any], rows: Sequence[Row], items: dict[str, Item]) -> list[str | None]:
    """What the language model quoted of each response, from the rows or from the run's answers.

    Raises:
        UserError: Fewer quotes are found than the run had: nobody is asked for them again.
    """
    if any(row.quote is not None for row in rows):
        return [row.quote for row in rows]
    parser = run["parser"]
    who = str(parser.get("quoter", ""))
    if not who or job.parser_url:  # of an earlier version, or found at another address now
        who = f"{parser['name']} {job.parser_url or parser.get('base_url') or OPENAI_URL}"
    with Answers(job.answers or job.folder / "answers") as answers:
        quotes = [known_quote(answers, who, items[row.id], row) for row in rows]
        found, had = sum(quote is not None for quote in quotes), parser["responses"] - parser["failed"]
        if found < had:
            raise UserError(
                f"{found} of {had} quotes of {parser['name']} are in {answers.folder}, and rescoring asks nobody: name the "
                "run's folder with --answers and its endpoint with --parser-url; or judge the responses by the rules alone: "
                f"idf-eval --responses {job.folder / 'samples.jsonl'} --suite {run.get('suite')} --out DIR"
            )
    return quotes


def _kept(one: _Judged) -> Path:
    """Copy the old files to a folder of their own.

    Returns:
        The folder.
    """
    version = one.run.get("scoring_rules")
    name = f"judged-by-rules-{'unknown' if version is None else version}"
    place = one.folder / name
    number = 2
    while place.exists():
        place = one.folder / f"{name}-{number}"
        number += 1
    part = one.folder / f".keeping-{uuid.uuid4().hex}"
    part.mkdir()
    try:
        for file in RESULTS:
            if (one.folder / file).exists():
                shutil.copy2(one.folder / file, part / file)
        os.rename(part, place)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return place


def _write(one: _Judged, out: Path, reworded: _Judged | None) -> None:
    """The results, the reports, and `rescored.jsonl`: a line for each verdict that changed.

    The gap to the same items in other words is measured anew.
    """
    run = {key: value for key, value in one.run.items() if key not in ("scoring_rules", "idf")}
    run["rescored"] = {
        "from_rules": one.run.get("scoring_rules"),
        "from_idf": one.run.get("idf"),
        "rows": len(one.after),
        "changed": len(one.changed),
        "kinds": dict(one.kinds.most_common()),
    }
    if one.agreement is not None:
        run["parser"] = run["parser"] | one.agreement.counts()
    gap = None
    if reworded is not None:
        gap = wording_gap(one.after, reworded.after, (str(run["prompts"]), str(reworded.run["prompts"])))
    modes = list(dict.fromkeys(row.mode for row in one.after))
    trivial = trivial_cells(one.items, modes, Turns(**run["episodes"])) if "episodes" in run else None
    results = write_results(one.after, out, run, one.items, modes, held_out=gap, trivial=trivial)
    lines: dict[str, list[dict[str, Any]]] = {"rescored.jsonl": [_line(old, new) for old, new in one.changed]}
    if one.agreement is not None:
        lines["parsers.jsonl"] = one.agreement.disagreements
    for name, told in lines.items():
        (out / name).write_text("".join(json.dumps(line) + "\n" for line in told), encoding="utf-8")
    write_report(one.after, results, out, one.items)
    write_markdown(results, out)
    write_summary_png(one.after, results, out)


def _line(old: Row, new: Row) -> dict[str, Any]:
    said = {name: {"verdict": _class(row), "parsed": row.parsed} for name, row in (("before", old), ("after", new))}
    return {"id": new.id, "mode": new.mode, "sample": new.sample, **said}
