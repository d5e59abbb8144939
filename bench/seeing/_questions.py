"""Held-out questions about pictures in the form of imagery, and what of an answer is right.

`python -m bench.seeing._questions CHECKPOINT OUT DATASET` asks a checkpoint the questions of a dataset folder, greedy, and writes
what it came to.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from itertools import count, zip_longest
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from bench.study._outcome import weights_hash, write_json
from idf.backends import HFBackend, Request, Sampling
from idf.data import Draft, Row, Sample, Slot, content_key, open_dataset, text_of
from idf.drawing import decode_picture
from idf.imagery import ImageryMaker, ImageryRecipe
from idf.recipe import read_recipe
from idf.suites import published
from idf.worlds import WORLDS, Draw, split_of

from ._close import CLOSE, closer
from ._recipe import HERE

SEED = 4321
MAX_NEW_TOKENS = 160
BATCH = 60


@dataclass(frozen=True)
class HeldOut(ImageryMaker):
    """Makes imagery of scenes of the split "eval", which no training data of any seed holds."""

    def _draw(self, slot: Slot, index: int) -> Draw:
        return replace(super()._draw(slot, index), split="eval")

    def samples(self, slot: Slot, known: Set[str] = frozenset()) -> Iterator[Sample]:
        """Those of a slot, forever: none of them asks what another asks, and no picture is of the other split or published.

        Args:
            slot: World, difficulty and kind.
            known: Hashes of pictures that are none of them: of a cube, three faces are hidden, so scenes of both splits can
                look the same.
        """
        world, seen = WORLDS[slot.world], set()
        for index in count():
            drawn = self._draw(slot, index).walk(world)
            lesson = self._lesson(slot, index, drawn.scene)
            if lesson is None:
                continue
            keys = world.keys(lesson.subject)
            if split_of(world, keys) != "eval" or self.published.avoid(slot.world, keys):
                continue
            asked = (world.see(lesson.subject), lesson.question)
            if asked not in seen:
                seen.add(asked)
                scene = content_key(slot.world, keys.canonical)  # as training data has it
                sample = closer(self.make(Row(slot, index, Draft("", scene, drawn.attempt))))
                if hash_of(sample.images[0]) not in known:
                    yield sample


def slots_of(recipe: ImageryRecipe) -> list[Slot]:
    """The worlds of a recipe with the kinds that each has, in order."""
    return [
        Slot(world, difficulty, kind)
        for world in recipe.worlds
        for difficulty in recipe.difficulties
        for kind, weight in recipe.kinds_of(world).items()
        if weight
    ]


def hash_of(picture: bytes) -> str:
    """Hash of a picture's pixels."""
    return hashlib.sha256(np.ascontiguousarray(decode_picture(picture)).tobytes()).hexdigest()[:24]


def held_out(world: str, each: int, known: Set[str] = frozenset()) -> dict[str, list[Sample]]:
    """World and kind -> so many held-out questions.

    Args:
        world: The world that they are about.
        each: Questions of each kind.
        known: Hashes of the pictures that a model learns from: none of them is asked about.
    """
    recipe = replace(read_recipe(ImageryRecipe, HERE / "imagery.yaml"), worlds={world: 1}, seed=SEED)
    if world in CLOSE:
        recipe = replace(recipe, max_pixels=CLOSE[world].drawn)
    maker = HeldOut(recipe, published(None))
    return {
        f"{slot.world} {slot.kind}": [sample for sample, _ in zip(maker.samples(slot, known), range(each))]
        for slot in slots_of(recipe)
    }


def parts_of(world: str, text: str) -> list[str]:
    """What a reading consists of: the cells of a grid; the cubes of a structure; the path and the faces of a cube."""
    return text.split() if world == "moving_box" else re.split(r"\n|, |; ", text)


def judged(sample: Sample, response: str) -> tuple[bool, float]:
    """Whether an answer is right, and the share of its parts that are.

    A reading is right if it is what the world itself reads off the scene (`World.see`), all of it; another answer, if its
    last line is.
    """
    if sample.kind != "reading":
        right = response.rstrip().rpartition("\n")[2] == f"Answer: {sample.meta['answer']}"
        return right, float(right)
    truth, said = (parts_of(sample.world, text.strip()) for text in (sample.meta["answer"], response))
    share = sum(a == b for a, b in zip(truth, said)) / max(len(truth), len(said))
    return truth == said, share


def asked(checkpoint: str, questions: dict[str, list[Sample]]) -> dict[str, Any]:
    """World and kind -> a dot for each right answer, the share of right parts of each, and what somebody has who sees nothing."""
    backend = HFBackend(checkpoint, sampling=Sampling(MAX_NEW_TOKENS), batch_size=BATCH, device="cpu")
    return {name: _asked(backend, samples) for name, samples in questions.items()}


def _asked(backend: HFBackend, samples: Sequence[Sample]) -> dict[str, Any]:
    requests = [Request(sample.messages[:1], decode_picture(sample.images[0])) for sample in samples]
    found = {place: judged(samples[place], response.text) for place, response in backend.generate(requests)}
    return {
        "right": "".join("x."[found[place][0]] for place in range(len(samples))),
        "parts": [round(found[place][1], 4) for place in range(len(samples))],
        **unseen(samples),
    }


def unseen(samples: Sequence[Sample]) -> dict[str, float]:
    """What somebody has who sees nothing and knows the truths: `commonest`, by the commonest answer; `commonest_parts`, the share
    of right parts by the commonest part in each place.
    """
    if samples[0].kind != "reading":
        truths = Counter(text_of(sample.messages[-1]).rpartition("\n")[2] for sample in samples)
        share = round(max(truths.values()) / len(samples), 4)
        return {"commonest": share, "commonest_parts": share}
    truths = Counter(sample.meta["answer"] for sample in samples)
    parts = [parts_of(sample.world, sample.meta["answer"]) for sample in samples]
    guess = [Counter(place).most_common(1)[0][0] for place in zip_longest(*parts)]
    guess = [part for part in guess if part is not None]
    shares = [sum(a == b for a, b in zip(one, guess)) / max(len(one), len(guess)) for one in parts]
    return {
        "commonest": round(max(truths.values()) / len(samples), 4),
        "commonest_parts": round(fmean(shares), 4),
    }


def questions_in(folder: Path) -> dict[str, list[Sample]]:
    """World and kind -> its questions, as a dataset holds them."""
    found: dict[str, list[Sample]] = {}
    for sample in open_dataset(folder, made_by="python -m bench.seeing").samples():
        found.setdefault(f"{sample.world} {sample.kind}", []).append(sample)
    return found


def main() -> None:
    checkpoint, out, questions = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    out.parent.mkdir(parents=True, exist_ok=True)
    write_json(
        out, {"checkpoint": weights_hash(Path(checkpoint)), "answers": asked(checkpoint, questions_in(questions))}
    )
    print(out.read_text())


if __name__ == "__main__":
    main()
