"""Published items are kept out: those whose hashes come with the package, and those of a clone."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from pathlib import Path

import pytest

from idf.errors import UserError
from idf.files import package_text
from idf.suites import LEVELS, Published, PublishedRow, hash_clone, published, read_published
from idf.suites._spatialite import published_files
from idf.worlds import DIFFICULTIES, WORLDS, Draw, Keys, Problem, Walk
from idf.worlds.cube_rolling import COLOURS
from idf.worlds.wood_slide import Query as Slide
from tests.drawing.originals import FOLDER, needs_originals
from tests.sentences import refused
from tests.suites.published import rows, write_clone
from tests.worlds import reference_wood_slide as boards
from tests.worlds import twins
from tests.worlds.samples import problems, walks

NOTHING = Published({}, {})


def keys(scene) -> Keys:
    return WORLDS[scene.world].keys(scene)


# --- what comes with the package -------------------------------------------------------------------------------


def test_what_comes_with_the_package_is_hashes_and_counts_alone():
    data = json.loads(package_text("suites/published.json"))
    assert set(data) == {"files", "hashes"}
    assert all(re.fullmatch(r"\w+\.json", name) and type(count) is int for name, count in data["files"].items())
    assert set(data["hashes"]) == set(WORLDS)
    for world, levels in data["hashes"].items():
        assert set(levels) == {*LEVELS, *(["states"] if world == "wood_slide" else [])}
        for found in levels.values():
            assert found == sorted(set(found))
            assert all(re.fullmatch("[0-9a-f]{16}", each) for each in found)


def test_every_published_item_has_a_hash_at_every_level_and_coarser_levels_have_fewer():
    for levels in published().hashes.values():
        assert len(levels["exact"]) >= len(levels["canonical"]) >= len(levels["skeleton"]) > 0


def test_published_knows_itself_in_every_process_by_one_fingerprint():
    again = Published(**{**vars(published())})
    assert again.fingerprint() == published().fingerprint()
    fewer = {world: levels for world, levels in published().hashes.items() if world != "wood_slide"}
    assert Published(published().files, fewer).fingerprint() != published().fingerprint()
    assert published() is published()


@pytest.mark.parametrize("world", WORLDS)
def test_nothing_is_avoided_if_nothing_is_published(world):
    for difficulty in DIFFICULTIES:
        for scene in (*problems(world, difficulty, 6), *walks(world, difficulty, 6)):
            assert not NOTHING.avoid(world, keys(scene))
            assert not any(NOTHING.has(world, keys(scene), level) for level in LEVELS)


@pytest.mark.parametrize("world", WORLDS)
def test_the_items_of_one_world_and_level_do_not_count_for_another(world):
    nothing = Keys("no such key", "no such key", "no such key", ("no such key",))
    assert not published().avoid(world, nothing)
    for level in LEVELS:
        hashed = blake2b(f"{world}|{level}|no such key".encode(), digest_size=8).hexdigest()
        only = Published({}, {world: {level: frozenset({hashed})}})
        assert only.has(world, nothing, level)
        assert only.avoid(world, nothing) is (level == WORLDS[world].clean_level)
        assert not any(only.has(world, nothing, other) for other in LEVELS if other != level)
        assert not any(only.avoid(other, nothing) for other in WORLDS if other != world)


def test_one_state_that_is_out_of_bounds_is_enough_to_avoid_a_walk():
    hashed = blake2b(b"wood_slide|states|third", digest_size=8).hexdigest()
    only = Published({}, {"wood_slide": {"states": frozenset({hashed})}})
    assert only.avoid("wood_slide", Keys("a", "b", "c", ("first", "second", "third")))
    assert not only.avoid("wood_slide", Keys("third", "third", "third", ("first", "second")))
    assert not only.avoid("moving_box", Keys("a", "b", "c", ("third",)))


def test_5664_of_the_67104_boards_are_out_of_bounds_so_that_there_is_room_for_training():
    world, alike = WORLDS["wood_slide"], dict[frozenset[str], list[str]]()
    for board in boards.component():
        alike.setdefault(outlines(board), []).append(board)
    avoided = 0
    for first, *others in alike.values():
        still = Walk("wood_slide", "easy", world.read(first), (), "?", "", first, first)
        avoided += (1 + len(others)) * published().avoid("wood_slide", keys(still))
    assert avoided == 5664


# --- a clone of our own, with items of our own -------------------------------------------------------------------


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clone(tmp_path_factory.mktemp("clone"))


def test_the_items_of_a_named_clone_are_avoided_beside_those_of_the_package(clone):
    both, mine = published(clone), hash_clone(clone)
    for world in WORLDS:
        for level, found in both.hashes[world].items():
            assert found == published().hashes[world][level] | mine.hashes[world][level]
    assert both.fingerprint() != published().fingerprint()
    for path in published_files(clone):
        for row in read_published(path):
            assert both.avoid(row.problem.world, keys(row.problem))
    assert set(both.files) >= set(published().files)


def test_a_clone_of_a_part_leaves_the_other_worlds_as_they_come_with_the_package(tmp_path):
    name = "move_box/move_box_samples.json"
    both = published(write_clone(tmp_path, {name: rows()[name]}))
    assert len(both.hashes["moving_box"]["canonical"]) == len(published().hashes["moving_box"]["canonical"]) + 2
    for world in set(WORLDS) - {"moving_box"}:
        assert both.hashes[world] == published().hashes[world]


def test_a_clone_counts_the_rows_of_each_file_and_hashes_twins_once(tmp_path):
    name = "move_box/move_box_samples.json"
    mine = hash_clone(write_clone(tmp_path, {name: rows()[name] * 2}))
    assert mine.files == {"move_box_samples.json": 4}
    assert {level: len(found) for level, found in mine.hashes["moving_box"].items()} == dict.fromkeys(LEVELS, 2)


def test_a_folder_that_is_no_clone_is_refused_in_words(tmp_path):
    with refused("no folder", tmp_path / "nowhere"):
        published(tmp_path / "nowhere")
    with refused("no file", tmp_path, "clone"):
        published(tmp_path)


def test_a_row_that_cannot_be_read_is_named_and_not_left_out(tmp_path):
    name = "move_box/move_box_samples.json"
    broken = write_clone(tmp_path, {name: [*rows()[name], {"image": "x"}]})
    with pytest.raises(UserError, match=r"move_box_samples\.json, line 3: "):
        published(broken)


def test_the_surroundings_of_a_puzzle_are_the_outlines_within_15_moves_of_its_target():
    world = WORLDS["wood_slide"]
    rng = random.Random(14)
    for target in rng.sample(sorted(boards.component()), 3):
        item = Problem("wood_slide", "easy", world.read(boards.CLASSIC), Slide(target))
        told = world.surroundings(item)
        assert len(told) == len({outlines(board) for board in boards.distances(target, 15)})
        walk_keys = [keys(Problem("wood_slide", "easy", world.read(target), Slide(there))) for there in near(target)]
        assert {state for each in walk_keys for state in each.states} <= set(told)


@pytest.mark.parametrize("world", sorted(set(WORLDS) - {"wood_slide"}))
def test_worlds_that_are_wide_have_no_surroundings(world):
    assert not any(WORLDS[world].surroundings(item) for item in problems(world, "easy", 3))


def near(board: str) -> list[str]:
    return [there for there, distance in boards.distances(board, 2).items() if distance]


@cache
def outlines(board: str) -> frozenset[str]:
    """A board and its mirror images, with one letter for all blocks of a shape."""
    letters = str.maketrans("123456789", "abbccddbb")
    images = (twins.mirrored(board, upside_down, left_right) for upside_down in (0, 1) for left_right in (0, 1))
    return frozenset(image.translate(letters) for image in images)


# --- a clone of SpatiaLite -----------------------------------------------------------------------------------------


@cache
def published_rows() -> list[PublishedRow]:
    return [row for path in published_files(FOLDER) for row in read_published(path)]


@needs_originals
def test_the_hashes_of_the_package_are_those_of_the_items_of_a_clone():
    mine = hash_clone(FOLDER)
    assert len(published_rows()) == sum(mine.files.values())
    for world, levels in published().hashes.items():
        for level, found in levels.items():
            assert found <= mine.hashes[world][level], (
                f"{world} {level}: the package names items that are not in the clone"
            )
    if mine.files == published().files:
        assert mine == published()


@needs_originals
def test_every_published_item_is_avoided_and_so_are_its_twins():
    rng, tried = random.Random(15), 0
    tables = list(twins.renumberings())
    both = published(FOLDER)
    for row in published_rows():
        item = row.problem
        assert both.avoid(item.world, keys(item)), row.id
        if item.world == "cube_rolling":
            twin = rng.choice(list(twins.rolling(item, "")))[0]
            # In other colours as well: a path that was published stays published.
            repainted = twin.start._replace(colours=tuple(rng.sample(COLOURS, 6)))
            same = [twin, Problem(item.world, "", repainted, twin.query)]
        elif item.world == "mental_rotation":
            same = [twin for twin, _ in rng.sample(list(twins.rotation(item, {})), 3)]
        elif item.world == "moving_box":
            same = [twin for twin, _ in twins.box(item, ())]
        elif item.world == "rubiks_cube":
            same = rng.sample(list(twins.turning(item)), 3)
        else:
            target, table = item.query.target, rng.choice(tables)
            same = [
                Problem(item.world, "", WORLDS[item.world].read(a.translate(table)), Slide(b.translate(table)))
                for a, b in twins.sliding(WORLDS[item.world].write(item.start), target)
            ]
        for twin in same:
            tried += 1
            assert both.avoid(item.world, keys(twin)), row.id
            assert both.has(item.world, keys(twin), WORLDS[item.world].clean_level), row.id
    assert tried > 2 * len(published_rows())


@needs_originals
@pytest.mark.parametrize("world", ["mental_rotation", "moving_box", "rubiks_cube"])
def test_a_published_item_in_other_colours_may_be_drawn_and_counts_at_the_skeleton_level_only(world):
    for row in [row for row in published_rows() if row.problem.world == world][:20]:
        mine = keys(row.problem)
        other = mine._replace(exact="of another scene", canonical="of another scene")
        assert published(FOLDER).has(world, other, "skeleton")
        assert not published(FOLDER).avoid(world, other)


@needs_originals
@pytest.mark.parametrize("world", WORLDS)
def test_of_a_thousand_training_scenes_none_is_a_twin_of_a_published_item(world):
    # Without hashes or keys: all twins of all published items are written out and looked up.
    items = [row.problem for row in published_rows() if row.problem.world == world]
    everything = {form for item in items for form in forms_of_twins(item)}
    assert all(form_of(item) in everything for item in items)
    avoided = 0
    for index in range(170):
        for difficulty in DIFFICULTIES:
            draw = Draw(21, "train", index, difficulty, published(FOLDER).avoid)
            for drawn in (draw.problem(WORLDS[world]), draw.walk(WORLDS[world])):
                assert form_of(drawn.scene) not in everything
                avoided += drawn.avoided
    assert avoided or world == "moving_box", "so many scenes would have met some published one"


def form_of(scene: Problem | Walk) -> object:
    """What a scene must not have in common with any twin of a published item."""
    world = WORLDS[scene.world]
    start, actions = world.course(scene)
    if world.name == "cube_rolling":
        return " ".join(actions)
    if world.name in ("mental_rotation", "moving_box"):
        return start
    return start, world.replay(start, actions)[-1]


def forms_of_twins(item: Problem) -> Iterator[object]:
    if item.world == "cube_rolling":
        yield from (twin.query.path for twin, _ in twins.rolling(item, ""))
    elif item.world == "mental_rotation":
        yield from (twin.start for twin, _ in twins.rotation(item, {}))
    elif item.world == "moving_box":
        yield from (twin.start for twin, _ in twins.box(item, ()))
    elif item.world == "rubiks_cube":
        yield from map(form_of, twins.turning(item))
    else:
        read = WORLDS["wood_slide"].read
        for here, there in twins.sliding(WORLDS["wood_slide"].write(item.start), item.query.target):
            for table in twins.renumberings():
                yield read(here.translate(table)), read(there.translate(table))


@needs_originals
def test_no_training_walk_or_plan_passes_a_board_within_15_moves_of_a_published_target():
    world = WORLDS["wood_slide"]
    targets = {row.problem.query.target for row in published_rows() if row.problem.world == "wood_slide"}
    starts = {world.write(row.problem.start) for row in published_rows() if row.problem.world == "wood_slide"}
    forbidden = {outlines(board) for target in targets for board in boards.distances(target, 15)}
    assert all(outlines(board) in forbidden for board in starts | targets)
    for index in range(150):
        for difficulty in DIFFICULTIES:
            draw = Draw(22, "train", index, difficulty, published(FOLDER).avoid)
            for scene in (draw.problem(world).scene, draw.walk(world).scene):
                states = world.replay(*world.course(scene))
                assert not any(outlines(world.write(state)) in forbidden for state in states)


@needs_originals
def test_what_is_avoided_has_a_published_twin_or_passes_a_board_near_a_published_target():
    # The other way round: no scene is thrown away for nothing.
    world = WORLDS["wood_slide"]
    targets = {row.problem.query.target for row in published_rows() if row.problem.world == "wood_slide"}
    forbidden = {outlines(board) for target in targets for board in boards.distances(target, 15)}
    thrown = kept = 0
    for index in range(200):
        scene = Draw(23, "train", index, "easy").walk(world).scene
        passes = any(outlines(world.write(state)) in forbidden for state in world.replay(scene.start, scene.actions))
        assert only_of(FOLDER).avoid("wood_slide", keys(scene)) == passes
        thrown, kept = thrown + passes, kept + (not passes)
    assert thrown > 5
    assert kept > 100


@cache
def only_of(folder: Path) -> Published:
    return hash_clone(folder)
