"""Candidate traces: problems by index, worked out by a teacher."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from idf.backends import Request, Response, open_backend, require_backend, tokens_spent
from idf.data import (
    DatasetFolder,
    Draft,
    Engine,
    LocalEngine,
    Row,
    Sample,
    Slot,
    build_dataset,
    choose_rows,
    content_key,
    conversation,
    pick,
    refuse_existing,
)
from idf.drawing import decode_picture, noise_of, picture_file
from idf.recipe import to_plain
from idf.suites import LEVELS, Published, prompt_text, published
from idf.worlds import LENGTHS, PARTS, SEARCHES, WORLDS, Draw, Problem, Rng, problem_to_json, sample_walk

from ._cells import held_back, size_wanted
from ._oracle import oracle_trace
from ._recipe import TracesRecipe
from ._teachers import ORACLE, ask

_KIND = "trace"


@dataclass(frozen=True)
class TraceMaker:
    """Makes the traces of a recipe; a pure function of slot and index, and of the teacher's reply in the row.

    Attributes:
        recipe: What they consist of.
        published: The scenes to keep clear of.
    """

    recipe: TracesRecipe
    published: Published

    def draft(self, slot: Slot, index: int) -> Draft:
        """As `Maker.draft`."""
        world = WORLDS[slot.world]
        drawn = self._draw(slot, index).problem(world)
        wanted, scene = size_wanted(slot), drawn.keys.canonical
        fits = wanted in (None, world.size(drawn.scene)) and not held_back(world.family, scene, self.recipe.hold_back)
        return Draft(
            key=content_key(slot.world, _KIND, scene, world.asked(drawn.scene)) if fits else None,
            scene=content_key(slot.world, scene),
            attempt=drawn.attempt,
            avoided=drawn.avoided,
            overlaps=tuple(level for level in LEVELS if self.published.has(world.family, drawn.keys, level)),
        )

    def make(self, row: Row) -> Sample:
        """As `Maker.make`."""
        problem, world = self._problem(row), WORLDS[row.slot.world]
        mode, prompts, noisy, images = self._shown(row, problem)
        reply: Response | None = row.reply
        style, lengths = None, dict[str, str]()
        if self.recipe.teacher.name == ORACLE:
            # A key of its own, so that forms are drawn as they would be without styles.
            rng = Rng("trace style", self.recipe.seed, row.slot.world, row.slot.difficulty, row.index)
            style = pick(rng, self.recipe.teacher.styles) if row.slot.world in SEARCHES else "optimal"
            drawn = self._length(row) if style == "optimal" else LENGTHS[0]
            told = oracle_trace(problem, style, rng, drawn)
            reply = Response(told.text, finish_reason="stop")
            if self.recipe.teacher.tells_shorter:  # else all are told in full, as earlier versions told them
                lengths = {"length": told.length, "length_drawn": drawn}
        elif reply is None:
            raise ValueError(f"nobody was asked for {trace_id(row)}")
        asked = world.answer(problem)
        return Sample(
            id=trace_id(row),
            world=row.slot.world,
            difficulty=row.slot.difficulty,
            kind=_KIND,
            images=images,
            messages=conversation(prompt_text(problem, mode, prompts), reply.text, with_picture=bool(images)),
            meta={
                "key": row.draft.key,
                "scene": row.draft.scene,
                "overlaps": list(row.draft.overlaps),
                "seed": self.recipe.seed,
                "index": row.index,
                "mode": mode,
                "prompts": prompts,
                "noise": noisy,
                "teacher": self.recipe.teacher.name,
                "model": self.recipe.teacher.model,
                "style": style,
                **lengths,
                "problem": problem_to_json(problem),
                "actions": list(world.solve(problem)),
                "question": world.asked(problem),
                "answer": asked.write(world.truth(problem)),
                "initial": asked.write(world.initial(problem)),
                "measures": world.measure(problem),
                "finish_reason": reply.finish_reason,
                "prompt_tokens": reply.prompt_tokens,
                "completion_tokens": reply.completion_tokens,
                "teacher_error": reply.error,
            },
        )

    def _length(self, row: Row) -> str:
        """The length that is drawn for a trace, with a key of its own, so that all else is drawn as without lengths."""
        rng = Rng("trace length", self.recipe.seed, row.slot.world, row.slot.difficulty, row.index)
        return pick(rng, self.recipe.teacher.lengths)

    def request(self, row: Row) -> Request:
        """What a teacher is asked: the prompt of the trace and, unless the recipe says no, the form of the states."""
        problem = self._problem(row)
        mode, prompts, _, images = self._shown(row, problem)
        text = prompt_text(problem, mode, prompts)
        if self.recipe.tell_form:
            text += f"\n\n{form_of_steps(row.slot.world)}"
        picture = decode_picture(images[0]) if images else None
        return Request(conversation(text, None, with_picture=bool(images)), picture, row.copy)

    def _draw(self, slot: Slot, index: int) -> Draw:
        return Draw(self.recipe.seed, "train", index, slot.difficulty, self.published.avoid)

    def _problem(self, row: Row) -> Problem[Any, Any]:
        return self._draw(row.slot, row.index).problem_again(WORLDS[row.slot.world], row.draft.attempt)

    def _shown(self, row: Row, problem: Problem[Any, Any]) -> tuple[str, str, bool, list[bytes]]:
        """Mode, prompt set, whether its picture has noise, and pictures of a trace; copies of one problem share them."""
        rng = Rng("trace form", self.recipe.seed, row.slot.world, row.slot.difficulty, row.index)
        mode, prompts = pick(rng, self.recipe.modes), pick(rng, self.recipe.prompts)
        noisy = mode != "tqa" and noise_of(row.slot.world) is not None and rng.chance(self.recipe.noise)
        images = [] if mode == "tqa" else [picture_file(problem, self.recipe.max_pixels, rng if noisy else None)]
        return mode, prompts, noisy, images


def trace_id(row: Row) -> str:
    """The id of a trace: its world, difficulty and index, and the number of the sample where there are several."""
    return f"trace:{row.slot.world}:{row.slot.difficulty}:{row.index}" + (f":{row.copy}" if row.copy else "")


def form_of_steps(world: str) -> str:
    """How a teacher is told to write the states, so that the filter can replay them; not part of the trace."""
    simulator = WORLDS[world]
    if world in PARTS:
        return PARTS[world].form_of_cases
    example = sample_walk(simulator, seed=0, split="train", index=0, difficulty="easy")
    return (
        f"{simulator.rule} Write one line for each step, the action and the state after it, in this form (another "
        f"start, only to show the form):\n{simulator.unroll(example.start, example.actions)}"
    )


def build_traces(
    recipe: TracesRecipe, out: Path, engine: Engine | None = None, *, say: Callable[[str], None] = print
) -> DatasetFolder:
    """Write a dataset of candidate traces; `filter_traces` makes training data of it.

    Args:
        recipe: What it consists of.
        out: The folder, which must not hold a dataset yet. A teacher's replies are kept in `<out>.replies.jsonl`, from
            which the same command resumes.
        engine: Who does the work; None for this process. A teacher is always asked from this process.
        say: Says in a sentence what was found and what is missing.

    Raises:
        UserError: The folder holds a dataset, or the teacher cannot be asked.
    """
    out, engine = out.resolve(), engine or LocalEngine()
    refuse_existing(out)  # before a teacher is paid
    if recipe.teacher.name != ORACLE:
        require_backend(recipe.teacher.name, f"the teacher {recipe.teacher.name}")
    avoided = published(recipe.clone())
    maker = TraceMaker(recipe, avoided)
    choice = choose_rows(recipe.slots(_KIND), maker, engine, copies=recipe.teacher.samples)
    facts = {
        "stage": "candidate traces",
        "recipe": to_plain(recipe),
        "seed": recipe.seed,
        "split": "train",
        "published": {"files": avoided.files, "fingerprint": avoided.fingerprint()},
    }
    if recipe.teacher.name != ORACLE:
        journal = out.with_name(f"{out.name}.replies.jsonl")
        backend = open_backend(recipe.teacher.spec, spent=tokens_spent(journal))
        asked = [(trace_id(row), partial(maker.request, row)) for row in choice.rows]
        replies = ask(asked, backend, journal, _what_decides(recipe, avoided), say=say)
        choice.rows = [replace(row, reply=replies[trace_id(row)]) for row in choice.rows]
    return build_dataset(choice, maker, out, facts, engine)


def _what_decides(recipe: TracesRecipe, avoided: Published) -> dict[str, Any]:
    """What decides over the reply to an id: not how many are asked, nor of which worlds."""
    form = {key: getattr(recipe, key) for key in ("seed", "modes", "prompts", "noise", "max_pixels")}
    versions = {name: world.version for name, world in WORLDS.items()}
    versions |= {name: part.version for name, part in PARTS.items() if name in recipe.asked_worlds}
    if not recipe.tell_form:  # not said otherwise, so that journals of earlier versions are resumed
        form["tell_form"] = False
    return {"teacher": recipe.teacher.identity(), "form": form, "worlds": versions, "avoided": avoided.fingerprint()}
