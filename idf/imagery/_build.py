"""Imagery samples by index, and stage-1 datasets made of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idf.data import (
    DatasetFolder,
    Draft,
    Engine,
    LocalEngine,
    Row,
    Sample,
    Slot,
    allot_slots,
    build_dataset,
    choose_rows,
    content_key,
    conversation,
    pick,
    refuse_existing,
)
from idf.drawing import noise_of, picture_file
from idf.recipe import to_plain
from idf.suites import LEVELS, MODES, Published, published
from idf.worlds import WORLDS, Draw, Drawn, Problem, Rng, Scene, World, split_of

from ._kinds import PARTIAL, part_of, teach
from ._lesson import Lesson
from ._phrasings import BASIC_PHRASINGS, PHRASINGS, VERSION
from ._recipe import ImageryRecipe

_ON_PROBLEMS = ("goal", PARTIAL)
"""The kinds that are about a problem; the others are about a walk."""
_TEMPLATES = PHRASINGS | BASIC_PHRASINGS
_ONLY = {"reading": "vqa", "relations": "tqa"}  # kinds that are shown in one mode alone


@dataclass(frozen=True)
class ImageryMaker:
    """Makes the samples of a recipe; a pure function of slot and index.

    Attributes:
        recipe: What they consist of.
        published: The scenes to keep clear of.
        split: Which side its scenes are of: "train", or "eval" for exercises.
    """

    recipe: ImageryRecipe
    published: Published
    split: str = "train"

    def draft(self, slot: Slot, index: int) -> Draft:
        """As `Maker.draft`."""
        world, draw = _world_of(slot), self._draw(slot, index)
        drawn: Drawn[Scene] = draw.problem(world) if slot.kind in _ON_PROBLEMS else draw.walk(world)
        lesson = self._lesson(slot, index, drawn.scene)
        if lesson is None:
            return Draft(None, avoided=drawn.avoided)
        scenes = [drawn.keys]
        if lesson.scene is not drawn.scene:  # a stretch of a walk, which may be a scene that must not be shown
            scenes.append(world.keys(lesson.subject))
            if split_of(world, scenes[1]) != self.split or self.published.avoid(slot.world, scenes[1]):
                return Draft(None, avoided=drawn.avoided)
        if lesson.also is not None:
            other = world.keys(lesson.also)
            if split_of(world, other) != self.split or self.published.avoid(slot.world, other):
                return Draft(None, avoided=drawn.avoided)
        # A scene that is simulated further is another sample. A stretch is compared to the letter: single steps have few
        # canonical forms (a cube, 360 of them).
        start, actions = world.course(lesson.subject)
        stretch = world.describe(start, pictured=False) + " ".join(actions)
        what = stretch if len(scenes) > 1 else scenes[0].canonical
        return Draft(
            key=content_key(slot.world, slot.kind, what, lesson.question, str(len(actions))),
            scene=content_key(slot.world, scenes[-1].canonical),
            attempt=drawn.attempt,
            avoided=drawn.avoided,
            overlaps=tuple(
                level for level in LEVELS if any(self.published.has(slot.world, keys, level) for keys in scenes)
            ),
        )

    def make(self, row: Row) -> Sample:
        """As `Maker.make`."""
        slot, index = row.slot, row.index
        world, recipe, lesson = _world_of(slot), self.recipe, self.lesson(row)
        rng = Rng("imagery form", recipe.seed, *slot, index)
        mode = _ONLY.get(slot.kind) or pick(rng, recipe.modes)
        wording = pick(rng, recipe.wordings)
        phrasing = rng.below(recipe.phrasings or len(_TEMPLATES[slot.kind]))
        noisy = mode != "tqa" and noise_of(world.name) is not None and rng.chance(recipe.noise)
        images = [] if mode == "tqa" else [picture_file(lesson.scene, recipe.max_pixels, rng if noisy else None)]
        start, actions = world.course(lesson.scene)
        return Sample(
            id=f"imagery:{slot.world}:{slot.difficulty}:{slot.kind}:{index}",
            world=slot.world,
            difficulty=slot.difficulty,
            kind=slot.kind,
            images=images,
            messages=conversation(
                prompt_of(slot.kind, lesson, mode, wording, phrasing), lesson.response, with_picture=mode != "tqa"
            ),
            meta={
                "key": row.draft.key,
                "scene": row.draft.scene,
                "overlaps": list(row.draft.overlaps),
                "seed": recipe.seed,
                "index": index,
                "mode": mode,
                "wording": wording,
                "phrasing": phrasing,
                "noise": noisy,
                "start": world.write(start),
                "actions": list(actions),
                "question": lesson.question,
                "answer": lesson.answer,
                "initial": lesson.initial,
                "measures": world.measure(lesson.subject) | lesson.measures,
                **({"choices": lesson.choices} if lesson.choices is not None else {}),
            },
        )

    def lesson(self, row: Row) -> Lesson:
        """What the sample of a row asks and answers, and the scene that its picture shows."""
        world, draw = _world_of(row.slot), self._draw(row.slot, row.index)
        scene = (draw.problem_again if row.slot.kind in _ON_PROBLEMS else draw.walk_again)(world, row.draft.attempt)
        lesson = self._lesson(row.slot, row.index, scene)
        if lesson is None:
            raise ValueError(f"sample {row.index} of {row.slot} cannot be made")  # its draft said so
        return lesson

    def _draw(self, slot: Slot, index: int) -> Draw:
        # Each kind has scenes of its own: six questions about one walk would teach that walk, not the world.
        return Draw(self.recipe.seed, self.split, index, slot.difficulty, self.published.avoid, slot.kind)

    def _lesson(self, slot: Slot, index: int, scene: Scene) -> Lesson | None:
        return teach(slot.kind, scene, Rng("lesson", self.recipe.seed, *slot, index))


def _world_of(slot: Slot) -> World[Any, Any]:
    """The world whose scenes a slot is about."""
    return WORLDS[part_of(slot.world) if slot.kind == PARTIAL else slot.world]


def modes_of(kind: str) -> tuple[str, ...]:
    """The modes in which a kind is shown."""
    return (_ONLY[kind],) if kind in _ONLY else MODES


def prompt_of(kind: str, lesson: Lesson, mode: str, wording: str, phrasing: int) -> str:
    """The prompt. In mode "vqa" the start is only in the picture."""
    world = WORLDS[lesson.scene.world]
    fields = dict(lesson.fields)
    if isinstance(lesson.scene, Problem):
        fields["question"] = world.question(lesson.scene, wording=wording, described=mode != "vqa")
        rule = ""  # the long question states it
    else:
        start = world.describe(lesson.scene.start, pictured=mode == "vqa") + fields.get("whereabouts", "")
        fields["start"] = f"\n{start}" if "\n" in start else start
        rule = f"{lesson.rule or world.rule}\n" if wording == "long" and kind != "reading" else ""
    # A state of several lines begins on a line of its own.
    return (rule + _TEMPLATES[kind][phrasing].format(**fields)).replace(": \n", ":\n")


def build_imagery(recipe: ImageryRecipe, out: Path, engine: Engine | None = None) -> DatasetFolder:
    """Write a stage-1 dataset.

    Args:
        recipe: What it consists of.
        out: The folder, which must not hold a dataset yet. What is unfinished lies beside it, in `<out>.part`.
        engine: Who does the work; None for this process. The samples do not depend on it.

    Raises:
        UserError: The folder holds a dataset, or there are not enough different samples of a kind.
    """
    engine = engine or LocalEngine()
    refuse_existing(out)
    avoided = published(recipe.clone())
    maker = ImageryMaker(recipe, avoided)
    kinds = {world: recipe.kinds_of(world) for world in recipe.worlds}
    slots = allot_slots(recipe.samples, recipe.worlds, recipe.difficulties, kinds, recipe.seed)
    facts = {
        "stage": "imagery",
        "recipe": to_plain(recipe),
        "seed": recipe.seed,
        "split": "train",
        "published": {"files": avoided.files, "fingerprint": avoided.fingerprint()},
        "versions": {"imagery": VERSION},
    }
    return build_dataset(choose_rows(slots, maker, engine), maker, out, facts, engine)
