"""Choosing samples, and writing them shard by shard."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from idf.data import Draft, LocalEngine, Row, Sample, Slot, build_dataset, choose_rows
from idf.data import _build as build_module
from tests.data.samples import Numbered, files_of
from tests.sentences import refused

EASY = Slot("cube_rolling", "easy", "rollout")
HARD = Slot("cube_rolling", "hard", "rollout")
SLIDE = Slot("wood_slide", "easy", "rollout")
LOCAL = LocalEngine()


class Backwards:
    """An engine that gets the last task done first."""

    workers = 1

    def run(self, function: Any, tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        return reversed([(number, function(task)) for number, task in enumerate(tasks)])


# --- choosing ----------------------------------------------------------------------------------------------------


def test_a_repeat_is_put_back_and_counted_and_the_next_index_takes_its_place():
    choice = choose_rows([EASY] * 5, Numbered(every=3), LOCAL)
    assert [(row.slot, row.index, row.copy) for row in choice.rows] == [(EASY, i, 0) for i in (0, 3, 6, 9, 12)]
    assert len({row.draft.key for row in choice.rows}) == 5
    assert choice.counts == {"cube_rolling": {"repeats": 13 - 5, "published_avoided": 0}}


def test_a_sample_that_stands_in_another_slot_already_is_a_repeat():
    choice = choose_rows([EASY, HARD], Numbered(), LOCAL)
    assert [row.index for row in choice.rows] == [0, 1]
    assert choice.counts["cube_rolling"]["repeats"] == 1
    apart = choose_rows([EASY, SLIDE], Numbered(), LOCAL)
    assert [row.index for row in apart.rows] == [0, 0]
    assert choose_rows([EASY, SLIDE], Numbered(world_in_key=False), LOCAL).counts["wood_slide"]["repeats"] == 1


def test_an_index_of_which_nothing_can_be_made_is_passed_over_and_counted_apart():
    choice = choose_rows([EASY] * 4, Numbered(unsuitable=frozenset({0, 2, 3})), LOCAL)
    assert [row.index for row in choice.rows] == [1, 4, 5, 6]
    assert choice.counts == {"cube_rolling": {"unsuitable": 3, "published_avoided": 0}}


def test_published_scenes_are_counted_for_every_draft_and_overlaps_only_for_what_is_kept():
    maker = Numbered(every=2, unsuitable=frozenset({6}), avoided=10, overlaps=("exact", "skeleton"))
    choice = choose_rows([EASY] * 4, maker, LOCAL)
    assert [row.index for row in choice.rows] == [0, 2, 4, 7]
    assert choice.counts["cube_rolling"] == {
        "published_avoided": 80,
        "repeats": 3,
        "unsuitable": 1,
        "overlap_exact": 4,
        "overlap_skeleton": 4,
    }


def test_every_slot_counts_its_own_indices_and_rows_stand_as_the_slots_do():
    choice = choose_rows([EASY, SLIDE, EASY, SLIDE], Numbered(), LOCAL)
    assert [(row.slot.world, row.index) for row in choice.rows] == [
        ("cube_rolling", 0),
        ("wood_slide", 0),
        ("cube_rolling", 1),
        ("wood_slide", 1),
    ]
    assert set(choice.counts) == {"cube_rolling", "wood_slide"}


def test_copies_of_a_sample_stand_beside_each_other():
    choice = choose_rows([EASY, SLIDE], Numbered(), LOCAL, copies=3)
    assert [(row.slot.world, row.index, row.copy) for row in choice.rows] == [
        (world, 0, copy) for world in ("cube_rolling", "wood_slide") for copy in range(3)
    ]


@pytest.mark.parametrize("drafts_per_task", [1, 2, 3, 250])
def test_the_choice_depends_neither_on_the_order_in_which_tasks_end_nor_on_their_size(monkeypatch, drafts_per_task):
    slots, maker = [EASY, SLIDE, EASY, HARD, EASY, SLIDE] * 4, Numbered(every=3)
    expected = choose_rows(slots, maker, LOCAL)
    monkeypatch.setattr(build_module, "_DRAFTS_PER_TASK", drafts_per_task)
    assert choose_rows(slots, maker, Backwards()) == expected
    assert expected.counts["cube_rolling"]["repeats"] > 10


def test_a_slot_that_has_run_out_of_samples_is_named_with_what_to_do():
    with refused("cube_rolling", "only 3", "easy", "kind rollout", 5, "fewer samples", "less weight"):
        choose_rows([EASY] * 5 + [SLIDE] * 3, Numbered(kinds=3), LOCAL)
    assert len(choose_rows([EASY] * 3, Numbered(kinds=3), LOCAL).rows) == 3, "all there are can be had"


def test_a_slot_of_which_nothing_suits_is_named_too():
    maker = Numbered(unsuitable=frozenset(range(100_000)))
    with refused("cube_rolling", "only 0", "easy", "kind rollout", 1, "fewer samples", "less weight"):
        choose_rows([EASY], maker, LOCAL)


# --- writing -----------------------------------------------------------------------------------------------------


def build(out: Path, slots: Sequence[Slot], maker: Any = None, engine: Any = LOCAL, **facts: Any):
    maker = maker or Numbered()
    return build_dataset(choose_rows(slots, maker, LOCAL), maker, out, facts, engine)


@pytest.fixture
def of_three(monkeypatch) -> None:
    monkeypatch.setattr(build_module, "ROWS_PER_SHARD", 3)


@pytest.mark.usefixtures("of_three")
@pytest.mark.parametrize(("rows", "shards"), [(1, [1]), (3, [3]), (7, [3, 3, 1])])
def test_rows_are_cut_into_shards_that_keep_their_order_whoever_writes_them(tmp_path, rows, shards):
    folder = build(tmp_path / "d", [EASY] * rows, engine=Backwards(), seed=4)
    assert [shard.name for shard in folder.shards] == [f"train-{i:05d}.parquet" for i in range(len(shards))]
    assert [sample.id for sample in folder.samples()] == [f"cube_rolling:{i}" for i in range(rows)]
    assert len(folder) == folder.manifest["samples"] == rows
    assert list(folder.manifest["sha256"]) == [shard.name for shard in folder.shards]


def test_dataset_json_says_what_was_put_back(tmp_path):
    facts = {"seed": 0}
    choice = choose_rows([EASY] * 5 + [SLIDE], Numbered(every=3, avoided=2), LOCAL)
    folder = build_dataset(choice, Numbered(every=3), tmp_path / "d", facts, LOCAL)
    assert folder.manifest["choice"] == {
        "cube_rolling": {"published_avoided": 26, "repeats": 8},
        "wood_slide": {"published_avoided": 2},
    }
    assert facts == {"seed": 0}, "the caller's facts stay as they were"


@pytest.mark.usefixtures("of_three")
def test_a_finished_folder_is_left_without_rests(tmp_path):
    folder = build(tmp_path / "d", [EASY] * 7)
    assert [path.name for path in tmp_path.iterdir()] == ["d"]
    assert sorted(path.name for path in folder.path.iterdir()) == [
        "README.md",
        "dataset.json",
        *(f"train-{i:05d}.parquet" for i in range(3)),
    ]


class Never:
    def draft(self, slot: Slot, index: int) -> Draft:
        return Draft(str(index))

    def make(self, row: Row) -> Sample:
        raise AssertionError("asked for a sample")


def test_a_dataset_that_is_there_is_refused_before_any_sample_is_made(tmp_path):
    build(tmp_path / "d", [EASY])
    before = files_of(tmp_path)
    with refused(tmp_path / "d", "already", "dataset"):
        build(tmp_path / "d", [EASY], Never())
    assert files_of(tmp_path) == before


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path):
    (tmp_path / "d").write_text("")
    with refused(tmp_path / "d", "file", "folder"):
        build(tmp_path / "d", [EASY], Never())


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with refused("plan.json", "not be written"):
        build(tmp_path / "file" / "d", [EASY], Never())


# --- going on ----------------------------------------------------------------------------------------------------


class Stop(Exception):
    pass


class Until:
    """An engine that does so many tasks."""

    workers = 1

    def __init__(self, most: int) -> None:
        self.most = most

    def run(self, function: Any, tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        for number, task in enumerate(tasks[: self.most]):
            yield number, function(task)
        raise Stop


@pytest.fixture
def begun(tmp_path, of_three) -> Path:
    """What is left of a run of five shards that was stopped after two."""
    with pytest.raises(Stop):
        build(tmp_path / "d", [EASY] * 14, engine=Until(2), seed=1)
    assert not (tmp_path / "d").exists(), "nothing stands under the name before it is whole"
    return tmp_path / "d.part"


class Watched:
    """An engine that writes down which shards it is asked for."""

    workers = 1

    def __init__(self) -> None:
        self.made: list[str] = []

    def run(self, function: Any, tasks: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        self.made = [task[2].name for task in tasks]
        return LOCAL.run(function, tasks)


def resumed(part: Path) -> list[str]:
    """The shards that the same call makes; checks that the end is the same as without the interruption."""
    engine = Watched()
    folder = build(part.with_name("d"), [EASY] * 14, engine=engine, seed=1)
    assert files_of(folder.path) == files_of(build(part.with_name("at once"), [EASY] * 14, seed=1).path)
    return [name.split("-")[1].removesuffix(".parquet").lstrip("0") or "0" for name in engine.made]


def test_the_same_call_makes_what_is_missing_and_nothing_else(begun):
    assert resumed(begun) == ["2", "3", "4"]


def test_a_shard_that_is_not_what_was_written_is_made_again(begun):
    shard = begun / "train-00001.parquet"
    shard.write_bytes(shard.read_bytes()[:-1])
    assert resumed(begun) == ["1", "2", "3", "4"]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"sha256": "0"}', "\0\0\0\0"])
def test_a_shard_whose_note_is_torn_is_made_again(begun, text):
    (begun / "train-00000.json").write_text(text)
    assert resumed(begun) == ["0", "2", "3", "4"]


@pytest.mark.parametrize("suffix", [".json", ".parquet"])
def test_a_shard_without_its_note_or_a_note_without_its_shard_is_made_again(begun, suffix):
    (begun / "train-00000").with_suffix(suffix).unlink()
    assert resumed(begun) == ["0", "2", "3", "4"]


def test_half_a_shard_is_written_over(begun):
    (begun / "train-00002.half").write_bytes(b"PAR1 half")
    assert resumed(begun) == ["2", "3", "4"]


def test_a_run_that_was_killed_while_the_files_were_put_in_place_goes_on(begun):
    out = begun.with_name("d")
    out.mkdir()
    (begun / "train-00000.parquet").replace(out / "train-00000.parquet")
    assert resumed(begun) == ["0", "2", "3", "4"]


@pytest.mark.parametrize("other", [{"slots": [EASY] * 13}, {"seed": 2}, {"maker": Numbered(every=2)}])
def test_another_recipe_is_refused_and_what_is_there_stays(begun, other):
    before = files_of(begun)
    changed = {"slots": [EASY] * 14, "seed": 1} | other
    with refused(begun, "another run", "remove it", "repeat the command"):
        build(begun.with_name("d"), changed.pop("slots"), **changed)
    assert files_of(begun) == before


@pytest.mark.parametrize("text", [None, "", "{", '{"plan": 3}'])
def test_a_folder_without_a_readable_plan_is_refused_in_words(begun, text):
    plan = begun / "plan.json"
    plan.unlink() if text is None else plan.write_text(text)
    with refused(begun, "another run", "remove it"):
        build(begun.with_name("d"), [EASY] * 14, seed=1)


def test_an_empty_folder_of_that_name_is_no_hindrance(tmp_path, of_three):
    (tmp_path / "d.part").mkdir()
    assert resumed(tmp_path / "d.part") == ["0", "1", "2", "3", "4"]


def test_other_versions_do_not_go_on_with_what_these_began(begun, monkeypatch):
    monkeypatch.setattr(build_module, "versions", lambda: {"idf": "of tomorrow"})
    with refused(begun, "another run", "remove it"):
        build(begun.with_name("d"), [EASY] * 14, seed=1)


# --- a full disk -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("file", ["train-00003.half", "dataset.json"])
def test_a_full_disk_is_one_sentence_and_finished_shards_stay(tmp_path, of_three, monkeypatch, number, file):
    write_shard, write_text = build_module.write_shard, Path.write_text

    def full(path: Path) -> None:
        if path.name == file:
            path.write_bytes(b"half of it")
            raise OSError(number, "No space left on device")

    def write_shard_until_full(samples: list[Sample], path: Path) -> str:
        full(path)
        return write_shard(samples, path)

    def write_text_until_full(path: Path, text: str, *args: Any, **kwargs: Any) -> int:
        full(path)
        return write_text(path, text, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(build_module, "write_shard", write_shard_until_full)
        patch.setattr(Path, "write_text", write_text_until_full)
        name, finished = (file, 5) if file == "dataset.json" else ("train-00003.parquet", 3)
        with refused("disk is full", name, f"{finished} of 5 shards", tmp_path / "d.part", "same command again"):
            build(tmp_path / "d", [EASY] * 14, seed=1)
    assert not (tmp_path / "d").exists()
    assert not (tmp_path / "d.part" / "train-00003.half").exists(), "half a shard takes room on a full disk"
    assert resumed(tmp_path / "d.part") == [str(n) for n in range(finished, 5)]


def test_what_else_keeps_a_shard_from_being_written_is_one_sentence(tmp_path, monkeypatch):
    def broken(samples: list[Sample], path: Path) -> str:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(build_module, "write_shard", broken)
    with refused("train-00000.parquet", "not be written", "Input/output error") as refusal:
        build(tmp_path / "d", [EASY])
    assert "full" not in str(refusal.value)
