"""The study from data to tables."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from idf.errors import UserError
from idf.recipe import to_plain

from ._arms import Epoch
from ._collect import collect, compare_seeds, machine, measured_seconds
from ._data import Folders, count_overlaps, data_commands, encode, opened, stage_recipes
from ._jobs import ends_with_this, idf_command, locked, run_jobs
from ._outcome import Study, read_study, write_json
from ._plan import Plan, fix_plan, make_plan
from ._recipe import StudyRecipe
from ._summary import summarize
from ._tables import tables


@dataclass(frozen=True)
class Earlier:
    """Results of seeds that need not be run again.

    Attributes:
        study: Their outcomes.
        comparisons, seconds, machines: What stands in `comparisons.json` and `seconds.json`.
    """

    study: Study
    comparisons: dict[str, Any]
    seconds: dict[str, Any]
    machines: dict[str, Any]


def run_study(
    recipe: StudyRecipe, *, plan_only: bool = False, add: bool = False, say: Callable[[str], None] = print
) -> None:
    """Run what is not done, and write what all of it comes to. Killed at any moment, the same call goes on.

    Args:
        recipe: The study.
        plan_only: Stop when the plan is fixed and said.
        add: Leave out the seeds whose results stand in `recipe.results`, and add the others' to them.
        say: Prints a line.

    Raises:
        UserError: A process failed, the recipe is not that which the study was begun with, or data and suite overlap;
            with `add`, there are no results of this plan, or they are whole.
    """
    folders = Folders(Path(recipe.work))
    with locked(folders.work / "lock", say) as lock:
        stage, _ = stage_recipes(recipe)
        make_data(recipe, folders, lock, say)
        datasets = opened(folders)
        overlaps = count_overlaps(datasets, folders.data("suite"))
        say(_overlaps(overlaps))
        plan = make_plan(recipe, folders, stage, encode(datasets, stage, folders.base(recipe.seeds[0]), folders))
        facts = plan.facts(datasets, overlaps)
        fix_plan(folders.work / "plan.json", facts)
        earlier = earlier_results(recipe, facts) if add else None
        plan = _without(plan, earlier)
        jobs = plan.jobs()
        say(_planned(plan, sum(job.seconds for job in jobs) / recipe.at_once, len(jobs)))
        if plan_only:
            return
        run_jobs(jobs, recipe.at_once, lock, say)
        say(write_results(plan, facts, earlier))


def report_so_far(recipe: StudyRecipe, *, add: bool = False, say: Callable[[str], None] = print) -> None:
    """Write what the seeds come to whose runs have all been evaluated; it may be called while the study runs.

    Args:
        recipe: The study.
        add: See `run_study`.
        say: Prints a line.

    Raises:
        UserError: The study was not begun, was begun with another recipe, or no seed is whole.
    """
    folders = Folders(Path(recipe.work))
    path = folders.work / "plan.json"
    if not path.exists():
        raise UserError(f"there is no {path}: start the study first")
    facts = json.loads(path.read_text())
    fix_plan(path, {"recipe": to_plain(recipe)})
    epochs = {name: Epoch(**told["epoch"]) for name, told in facts["datasets"].items()}
    plan = make_plan(recipe, folders, stage_recipes(recipe)[0], epochs)
    earlier = earlier_results(recipe, facts) if add else None
    plan = _without(plan, earlier)
    if not (whole := plan.whole_seeds()):
        raise UserError(f"no seed of {folders.work} is whole yet: each has {len(plan.runs) + 1} evaluations")
    say(write_results(_of_seeds(plan, whole), facts, earlier))


def earlier_results(recipe: StudyRecipe, facts: Mapping[str, Any]) -> Earlier:
    """What stands in `recipe.results`, of this plan.

    Raises:
        UserError: There is nothing, it is of another plan, or no seed is missing.
    """
    out = Path(recipe.results)
    if not (out / "outcomes.json").exists():
        raise UserError(f"there are no results in {out} to add to: start the study without --add")
    fix_plan(out / "plan.json", facts)
    found = read_study(out)
    if found.seeds == recipe.seeds:
        raise UserError(f"{out} has all seeds: {', '.join(map(str, found.seeds))}")
    comparisons, seconds = (json.loads((out / f"{name}.json").read_text()) for name in ("comparisons", "seconds"))
    return Earlier(found, comparisons["seeds"], seconds["seconds"], seconds["machines"])


def _without(plan: Plan, earlier: Earlier | None) -> Plan:
    return _of_seeds(plan, [seed for seed in plan.recipe.seeds if not earlier or seed not in earlier.study.seeds])


def _of_seeds(plan: Plan, seeds: list[int]) -> Plan:
    return replace(plan, recipe=replace(plan.recipe, seeds=seeds))


def make_data(recipe: StudyRecipe, folders: Folders, lock: Any, say: Callable[[str], None]) -> None:
    """Make what of the data is not there; a command ends when this process does.

    Raises:
        UserError: A command failed; it has said why.
    """
    for made, words in data_commands(recipe, folders):
        if made.exists():
            continue
        say(f"idf {' '.join(words)}")
        made.parent.parent.mkdir(parents=True, exist_ok=True)
        if words[0] == "tiny" or words[0] == "suite":  # what a killed call left would be in the way
            shutil.rmtree(made.parent, ignore_errors=True)
        if subprocess.run([idf_command("idf"), *words], **ends_with_this(lock)).returncode != 0:
            raise UserError(f"`idf {words[0]}` failed, see above: start the study again when that is mended")


def write_results(plan: Plan, facts: dict[str, Any], earlier: Earlier | None = None) -> str:
    """Write the JSON files that all tables and figures are drawn from, with those of earlier seeds; returns the tables."""
    out = Path(plan.recipe.results)
    study = collect(plan, facts)
    comparisons, seconds = compare_seeds(plan, facts), measured_seconds(plan)
    machines = {str(seed): machine() for seed in plan.recipe.seeds}
    if earlier:
        study = earlier.study.joined(study)
        comparisons, seconds = earlier.comparisons | comparisons, earlier.seconds | seconds
        machines = earlier.machines | machines
    study.write(out)
    summary = summarize(study)
    write_json(out / "summary.json", summary)
    write_json(out / "comparisons.json", {"seeds": comparisons})
    write_json(out / "seconds.json", {"machines": machines, "seconds": seconds})
    return f"{tables(summary)}\nwritten to {out}; `python -m bench.study.report --results {out}` draws it"


def _overlaps(found: dict[str, Any]) -> str:
    lines = [f"scenes of the suite, up to the symmetries of their world: {found['suite_scenes']:,}"]
    for name, counts in found["datasets"].items():
        published = ", ".join(f"{level} {n}" for level, n in counts["published"].items())
        lines.append(
            f"    {name}: {counts['samples']:,} samples, {counts['in_suite']} of them show such a scene; "
            f"published items: {published}"
        )
    return "\n".join(lines)


def _planned(plan: Plan, seconds: float, jobs: int) -> str:
    recipe = plan.recipe
    lines = [
        f"an epoch of {name}: {epoch.updates:,} updates, {epoch.tokens:,} tokens, {epoch.labels_per_update:,.0f} label "
        "tokens an update"
        for name, epoch in plan.epochs.items()
    ]
    total = len(recipe.seeds) * sum(run.updates for run in plan.runs)
    lines.append(f"runs of each seed: {', '.join(run.name for run in plan.runs)}")
    lines.append(
        f"{len(recipe.seeds)} seeds, {len(plan.runs) * len(recipe.seeds)} training runs of {total:,} updates in all, {jobs} "
        f"processes, {recipe.at_once} at once: about {seconds / 3600:.1f} h by the pilot's figures"
    )
    return "\n".join(lines)
