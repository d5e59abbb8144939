"""The problems of stage 3: what is asked, and what the verdicts need to know of it."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from idf.data import DatasetFolder, Sample, size_of_picture
from idf.drawing import decode_picture, on_grid
from idf.errors import UserError
from idf.scoring import start_answers
from idf.worlds import Problem, problem_from_json, problem_to_json

from ..data import find_data
from ..dataset import open_table
from ..stage3_recipe import Stage3Recipe


@dataclass(frozen=True)
class Prompts:
    """The problems of a dataset, each way of asking one once.

    Attributes:
        folder: The dataset.
        kept: Indices of the samples whose problems are asked.
        dropped: Why how many are not.
    """

    folder: DatasetFolder
    kept: tuple[int, ...]
    dropped: Counter[str]

    def __len__(self) -> int:
        return len(self.kept)

    def describe(self) -> str:
        """How many are asked, and how many are not, in a line."""
        dropped = "".join(f"; {n:,} dropped: {why}" for why, n in sorted(self.dropped.items()))
        return f"problems: {len(self.kept):,} of {len(self.folder):,} samples in {self.folder.path}{dropped}"

    def rows(self, grid: int) -> Any:
        """The problems as a `datasets.Dataset` in TRL's form; the files stay on disk until a row is asked for.

        Args:
            grid: Side in pixels of what the model sees as one token: pictures get a margin up to its next multiple.

        Returns:
            Rows of `prompt` (messages of text), `images` (PIL, which TRL puts before the text), `problem` (JSON text), `id`.
        """
        return open_table(self.folder).select(list(self.kept)).with_transform(lambda rows: _in_trl_form(rows, grid))


def read_prompts(recipe: Stage3Recipe) -> Prompts:
    """Find the problems that a recipe's dataset asks.

    Raises:
        UserError: The dataset is missing or corrupt, a sample holds no problem, a picture is larger than `max_pixels` or does
            not come first, or too few problems for one step are left.
    """
    folder = find_data(recipe)
    kept: list[int] = []
    dropped: Counter[str] = Counter()
    seen: set[str] = set()
    for index, sample in enumerate(folder.samples()):
        problem = _problem(folder, sample)
        _check_pictures(recipe, folder, sample)
        # Two pictures of one problem differ at most by their noise.
        asked = json.dumps(
            [_asked(sample.messages), problem_to_json(problem), sample.meta.get("noise")], sort_keys=True
        )
        if start_answers(problem):
            dropped["the start answers them"] += 1
        elif asked in seen:
            dropped["an earlier sample asks the same"] += 1
        else:
            seen.add(asked)
            kept.append(index)
    found = Prompts(folder, tuple(kept), dropped)
    if len(found) < recipe.prompts_per_step:
        raise UserError(
            f"{found.describe()}: prompts_per_step is {recipe.prompts_per_step}, so make more, or set it lower"
        )
    return found


def _in_trl_form(rows: dict[str, list[Any]], grid: int) -> dict[str, list[Any]]:
    from PIL import Image

    told: dict[str, list[Any]] = {"id": rows["id"], "prompt": [], "images": [], "problem": []}
    for messages, images, meta in zip(rows["messages"], rows["images"], rows["meta"], strict=True):
        told["prompt"].append(
            [
                {"role": message["role"], "content": "".join(part["text"] or "" for part in message["content"])}
                for message in _asked(messages)
            ]
        )
        told["images"].append([Image.fromarray(on_grid(decode_picture(image["bytes"]), grid)) for image in images])
        told["problem"].append(json.dumps(json.loads(meta)["problem"]))
    return told


def _asked(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages before the response."""
    return messages[:-1] if messages[-1]["role"] == "assistant" else messages


def _problem(folder: DatasetFolder, sample: Sample) -> Problem[Any, Any]:
    if "problem" not in sample.meta:
        raise UserError(
            f"{folder.path}: the sample {sample.id} holds no problem: stage 3 asks what `idf traces` made, filtered or not"
        )
    try:
        return problem_from_json(sample.meta["problem"])
    except ValueError as error:
        raise UserError(f"{folder.path}: the problem of sample {sample.id} cannot be read: {error}") from None


def _check_pictures(recipe: Stage3Recipe, folder: DatasetFolder, sample: Sample) -> None:
    where = f"{folder.path}: sample {sample.id}:"
    for number, message in enumerate(_asked(sample.messages)):
        kinds = [part["type"] for part in message["content"]]
        if "image" in kinds and (number > 0 or kinds != sorted(kinds)):  # "image" before "text"
            raise UserError(f"{where} a picture comes after text, and TRL puts pictures before all text")
    for image in sample.images:
        width, height = size_of_picture(sample, image)
        if width * height > recipe.max_pixels:
            raise UserError(f"{where} a picture of {width} x {height} is larger than max_pixels ({recipe.max_pixels})")
