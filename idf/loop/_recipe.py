"""What a loop consists of, in one typed object."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from idf.backends import backend_class
from idf.errors import UserError
from idf.evaluation import EvaluationRecipe
from idf.recipe import check_names, check_ranges, key
from idf.traces import FilterRecipe, TeacherRecipe, TracesRecipe
from idf.training.stage3_recipe import Stage3Recipe
from idf.training.stages import AnyStage, read_stage_recipe
from idf.worlds import DIFFICULTIES, PARTS, WORLDS

from ._train import find_script


@dataclass(frozen=True)
class ProbeRecipe:
    """How it is measured what a checkpoint can do. All else (modes, prompts, lengths, backend) is as in the evaluation.

    Attributes:
        problems: Problems of each cell; a cell is a world and an exact size. They are the same in every round.
        samples: Responses to each of them.
        temperature: 0 always takes the likeliest token; several samples need more.
        share: Share of the scenes of the train split that are measured on, and that no round trains on.
    """

    problems: int = key(20, least=1)
    samples: int = key(4, least=1)
    temperature: float = key(1.0, least=0)
    share: float = key(0.1, least=0.01, most=0.5)


@dataclass(frozen=True)
class TrainRecipe:
    """How a round trains.

    Attributes:
        recipe: The stage's recipe; a round sets its `model`, `data` and `run`.
        stage: "stage2" learns from the filtered samples of the checkpoint, "stage3" by reinforcement from the drawn problems.
        overrides: Changes to that recipe, such as "learning_rate=5e-6". When a loop is resumed they may differ, so that a round
            which was stopped (by `stop` of stage 3, say) can go on; the round's training refuses what would make it another run.
        nproc: Processes, one for each GPU.
        updates: Optimizer steps of a round, whatever the number of traces; None for what the stage's recipe says.
        oracle: Share of the drawn problems that the checkpoint did not solve which the oracle solves for it; stage 2 only.
    """

    recipe: str
    stage: Literal["stage2", "stage3"] = "stage2"
    overrides: list[str] = key(factory=list, may_change="exact")  # its training checks each key of them
    nproc: int = key(8, least=1, may_change="exact")
    updates: int | None = key(None, least=1)
    oracle: float = key(0.0, least=0, most=1)


@dataclass(frozen=True)
class LoopRecipe:
    """A loop: what is measured, drawn, learned and evaluated in each of its rounds.

    Attributes:
        model: The checkpoint that the first round begins with: a folder or a hub name.
        out: Folder of the loop; a round has a folder in it.
        train: How a round trains.
        rounds: How many rounds. When a loop is resumed there may be more.
        draw: "weighted" draws problems by p(1-p), where p is the success in their cell; "uniform", the control, draws as many
            of every cell.
        floor: Least weight of a cell before weights are scaled to a sum of 1; p(1-p) is 0.25 at most.
        worlds: The worlds; their sizes are the cells.
        difficulties: The difficulties whose sizes are cells.
        items: Items for each world and difficulty of the held-out suite that is generated if `evaluation.suite` is null.
        seed: Another seed draws other problems.
        probe: How success is measured.
        traces: Which problems are drawn and how the checkpoint answers them: keys of `idf traces`.
        filter: What of the answers is learned from: keys of `idf filter`.
        evaluation: How each round's checkpoint is evaluated: keys of `idf-eval`.
    """

    model: str
    out: str = key(may_change="exact")
    train: TrainRecipe = key()
    rounds: int = key(4, least=1, may_change="exact")
    draw: Literal["weighted", "uniform"] = "weighted"
    floor: float = key(0.02, above=0, most=0.25)
    worlds: list[str] = key(factory=lambda: list(WORLDS))
    difficulties: list[str] = key(factory=lambda: list(DIFFICULTIES))
    items: int = key(20, least=1)
    seed: int = key(0, least=0)
    probe: ProbeRecipe = key(factory=ProbeRecipe)
    traces: TracesRecipe = key(factory=TracesRecipe)
    filter: FilterRecipe = key(factory=FilterRecipe)
    evaluation: EvaluationRecipe = key(factory=EvaluationRecipe)

    def check(self) -> None:
        """Refuse what cannot work, before anything is asked or trained."""
        check_ranges(self)
        check_names("worlds", self.worlds, {**WORLDS, **PARTS})
        check_names("difficulties", self.difficulties, DIFFICULTIES)
        _refuse_set("traces", self.traces, ("seed", "worlds", "difficulties", "cells", "hold_back", "tell_form"))
        _refuse_set("traces.teacher", self.traces.teacher, ("model",))
        _refuse_set("filter", self.filter, ("keep",))
        _refuse_set("evaluation", self.evaluation, ("checkpoint", "baseline", "responses", "episodes"))
        for section, check in (
            ("traces", self.traces_of(self.model, 0, {}).check),
            ("filter", self.filter.check),
            ("evaluation", self.evaluation_of(self.model, "suite").check),
            ("probe", self.probe_of(self.model, "probe").check),
        ):
            try:
                check()
            except UserError as error:
                raise UserError(f"{section}: {error}") from None
        find_script(self.train.stage)
        if self.train.stage == "stage2":
            name = self.traces.teacher.name
            if name == "oracle" or not backend_class(name).in_process:
                raise UserError(
                    f"traces.teacher.name: the checkpoint of a round answers, so use hf or vllm, not {name}"
                )
            self._check_stage("reasoning", "stage 2's")
        else:
            if self.train.oracle:
                raise UserError("train.oracle goes with train.stage stage2 only: leave it out")
            if self.filter != FilterRecipe(keep=self.filter.keep):
                raise UserError(
                    "filter goes with train.stage stage2 only: reinforcement filters nothing, so leave it out"
                )
            self._check_stage("reinforcement", "stage 3's")

    def _check_stage(self, stage: str, whose: str) -> None:
        """Refuse another stage's recipe, and one that would stop only when a round trains."""
        found = self.stage_of("model", "data", "run")
        if found.stage != stage:
            raise UserError(
                f"train.recipe: {self.train.recipe} is a recipe of stage {found.stage!r}: {whose} says `stage: {stage}`"
            )
        found.accumulation_steps(self.train.nproc)
        if isinstance(found, Stage3Recipe) and self.traces.problems < found.prompts_per_step:
            raise UserError(
                f"traces.problems: a round draws {self.traces.problems}, and a step of {self.train.recipe} asks "
                f"{found.prompts_per_step} (prompts_per_step): draw more, or set train.overrides=[prompts_per_step=N]"
            )

    def stage_of(self, model: str, data: str, run: str) -> AnyStage:
        """The stage's recipe as a round runs it."""
        return read_stage_recipe(self.train.recipe, self.stage_overrides(model, data, run))

    def stage_overrides(self, model: str, data: str, run: str) -> list[str]:
        """What a round changes in the stage's recipe."""
        places = {"model": model, "data": data, "run": run}
        return [*self.train.overrides, *(f"{key}={json.dumps(place)}" for key, place in places.items())]

    def traces_of(self, model: str, seed: int, cells: dict[str, float]) -> TracesRecipe:
        """The recipe of a round's traces; stage 3 asks for its own samples, so there the oracle's traces hold the problems."""
        teacher = self.traces.teacher
        if self.train.stage == "stage3":
            teacher = TeacherRecipe()
        elif teacher.name != "oracle":
            teacher = replace(teacher, model=model)
        return replace(
            self.traces,
            teacher=teacher,
            seed=seed,
            worlds={world: 1.0 for world in self.worlds},
            cells=cells or None,
            hold_back=self.probe.share,
            tell_form=False,
        )

    def evaluation_of(self, model: str, suite: str) -> EvaluationRecipe:
        """The recipe by which a checkpoint is evaluated on a suite."""
        return replace(self.evaluation, checkpoint=model, suite=suite)

    def probe_of(self, model: str, suite: str) -> EvaluationRecipe:
        """The recipe by which a checkpoint is measured on the probe's suite."""
        changes: dict[str, Any] = {"samples": self.probe.samples, "temperature": self.probe.temperature, "limit": None}
        return replace(self.evaluation_of(model, suite), **changes, pictures="auto", held_out=False, duplicates="keep")


def _refuse_set(section: str, recipe: Any, names: tuple[str, ...]) -> None:
    """Refuse keys that the loop itself sets."""
    for field in fields(recipe):
        if field.name in names:
            default = field.default_factory() if callable(field.default_factory) else field.default
            if getattr(recipe, field.name) != default:
                raise UserError(f"{section}.{field.name} is set by the loop in each round: leave it out")
