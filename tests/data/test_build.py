"""Making samples in parallel: the same ones, whatever the number of workers and the process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from idf.data import DatasetFolder, Sample, Slot, build_dataset, open_dataset, plan_slots
from idf.errors import UserError
from idf.imagery import build_imagery
from tests.data.samples import MIXED, ROLLS, files_of, plain, seen

EASY = Slot("cube_rolling", "easy")


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> DatasetFolder:
    return build_imagery(MIXED, tmp_path_factory.mktemp("one") / "d")


# --- shares ------------------------------------------------------------------------------------------------------


def test_shares_are_exact():
    slots = plan_slots(600, {"cube_rolling": 1, "wood_slide": 2}, {"easy": 3, "hard": 1, "medium": 0}, seed=1)
    assert Counter(slots) == {
        Slot("cube_rolling", "easy"): 150,
        Slot("cube_rolling", "hard"): 50,
        Slot("wood_slide", "easy"): 300,
        Slot("wood_slide", "hard"): 100,
    }


@pytest.mark.parametrize("samples", [1, 2, 7, 100, 101, 1999])
def test_shares_that_do_not_divide_are_never_off_by_a_whole_sample(samples):
    worlds, difficulties = {"a": 0.1, "b": 0.7, "c": 1 / 3}, {"easy": 0.2, "medium": 0.3, "hard": 0.5}
    counts = Counter(plan_slots(samples, worlds, difficulties, seed=1))
    assert sum(counts.values()) == samples
    total = sum(worlds.values()) * sum(difficulties.values())
    for world, w in worlds.items():
        for difficulty, d in difficulties.items():
            assert abs(counts[Slot(world, difficulty)] - samples * w * d / total) < 1


def test_the_seed_decides_the_order_and_nothing_else():
    one, same, other = (plan_slots(60, {"a": 1, "b": 1}, {"easy": 1, "hard": 1}, seed) for seed in (1, 1, 2))
    assert one == same != other
    assert Counter(one) == Counter(other)
    assert one != sorted(one, key=lambda slot: (slot.world, slot.difficulty)), "slots are shuffled"


def test_the_order_of_worlds_in_a_recipe_does_not_matter():
    assert plan_slots(50, {"a": 1, "b": 2}, {"easy": 1}, 0) == plan_slots(50, {"b": 2, "a": 1}, {"easy": 1}, 0)


# --- filling -----------------------------------------------------------------------------------------------------


def numbered(every: int, slot: Slot, index: int) -> Sample:
    """A sample in whose place the same one stands `every` times in a row."""
    return plain(index, pictures=0, id=f"{slot.world}:{index}", meta={"key": f"{slot.world} {index // every}"})


def test_a_repeat_is_replaced_by_the_next_index_and_counted(tmp_path):
    facts = {"seed": 0}
    dataset = build_dataset([EASY] * 5, partial(numbered, 3), tmp_path / "d", facts)
    keys = [sample.meta["key"] for sample in dataset.samples()]
    assert len(set(keys)) == 5
    drawn = 1 + max(int(sample.id.partition(":")[2]) for sample in dataset.samples())
    assert drawn - 5 <= dataset.manifest["repeats_drawn_again"] <= drawn
    assert dataset.manifest["repeats_drawn_again"] >= 8, "five distinct ones of runs of three lie 13 apart"
    assert facts == {"seed": 0}, "the caller's facts stay as they were"


def test_every_slot_counts_its_own_indices(tmp_path):
    slots = [EASY, Slot("wood_slide", "easy"), EASY, Slot("wood_slide", "easy")]
    dataset = build_dataset(slots, partial(numbered, 1), tmp_path / "d", {})
    assert [sample.id for sample in dataset.samples()] == [
        "cube_rolling:0",
        "wood_slide:0",
        "cube_rolling:1",
        "wood_slide:1",
    ]


def never(slot: Slot, index: int) -> Sample:
    raise AssertionError("asked for a sample")


def test_a_dataset_that_is_there_is_refused_before_any_sample_is_made(tmp_path):
    build_dataset([EASY], partial(numbered, 1), tmp_path / "d", {})
    before = files_of(tmp_path)
    with pytest.raises(UserError, match="holds a dataset already"):
        build_dataset([EASY], never, tmp_path / "d", {})
    assert files_of(tmp_path) == before


# --- the same for everybody --------------------------------------------------------------------------------------


def test_two_workers_make_what_one_makes(mixed, tmp_path):
    assert seen(build_imagery(MIXED, tmp_path / "d", workers=2)) == seen(mixed)


def test_fresh_processes_with_other_hash_seeds_make_the_same(mixed, tmp_path):
    weights = json.dumps(MIXED.difficulties)
    for hash_seed in ("0", "4242"):
        out = tmp_path / hash_seed
        arguments = ["imagery", "--out", str(out), "--samples", str(MIXED.samples), "--seed", str(MIXED.seed)]
        subprocess.run(
            [sys.executable, "-c", "import sys; from idf.cli.main import main; main(sys.argv[1:])", *arguments]
            + [f"max_pixels={MIXED.max_pixels}", f"difficulties={weights}"],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            check=True,
            capture_output=True,
        )
        made = open_dataset(out, made_by="idf imagery")
        assert seen(made) == seen(mixed)
        assert {k: v for k, v in made.manifest.items() if k != "sha256"} == {
            k: v for k, v in mixed.manifest.items() if k != "sha256"
        }


def test_no_key_occurs_twice_and_no_id_either(mixed):
    samples = list(mixed.samples())
    assert (
        len({sample.meta["key"] for sample in samples}) == len({sample.id for sample in samples}) == len(samples) == 40
    )


def test_the_counts_of_a_dataset_are_the_shares_that_were_asked_for(mixed):
    counts = Counter((sample.world, sample.difficulty) for sample in mixed.samples())
    assert {world: dict(c) for world, c in mixed.manifest["counts"].items()} == {
        world: {d: n for (w, d), n in counts.items() if w == world} for world, _ in counts
    }
    assert sum(counts.values()) == 40
    assert {n for (_, difficulty), n in counts.items() if difficulty == "easy"} <= {5, 6}
    assert {n for (_, difficulty), n in counts.items() if difficulty == "medium"} <= {2, 3}
    assert len(counts) == 10


def test_another_seed_makes_other_samples(tmp_path):
    one, other = (build_imagery(replace(ROLLS, seed=seed), tmp_path / str(seed)) for seed in (3, 4))
    keys = [{sample.meta["key"] for sample in folder.samples()} for folder in (one, other)]
    assert not keys[0] & keys[1]


def test_the_folder_is_left_without_rests(mixed: DatasetFolder):
    assert sorted(path.name for path in Path(mixed.path).parent.iterdir()) == ["d"]
    assert sorted(path.name for path in mixed.path.iterdir()) == ["dataset.json", "train-00000.parquet"]
