"""Golden samples: a change that gives the same recipe other samples does not go unnoticed.

If it is meant to, raise the `version` of the world, or `VERSION` of the imagery phrasings if words alone changed, then renew
the hashes:

    python -m tests.imagery.test_golden

Hashed are messages and meta, not pixels: those depend on the versions of the drawing libraries.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from idf.data import Row, Sample, Slot
from idf.data._build import Maker
from idf.imagery import ImageryMaker, ImageryRecipe
from idf.suites import published
from idf.traces import TraceMaker, TracesRecipe
from idf.worlds import WORLDS
from tests.imagery.lessons import BASIC_PAIRS, PAIRS

GOLDEN = Path(__file__).with_name("golden.json")
SLOTS = [Slot(world, difficulty, kind) for world, kind in (*PAIRS, *BASIC_PAIRS) for difficulty in ("easy", "hard")]
SLOTS += [Slot(world, difficulty, "trace") for world in WORLDS for difficulty in ("easy", "hard")]


def first(slot: Slot) -> Sample:
    """The first sample of a slot."""
    maker: Maker = ImageryMaker(ImageryRecipe(max_pixels=3136), published())
    if slot.kind == "trace":
        maker = TraceMaker(TracesRecipe(max_pixels=3136), published())
    index, draft = next((i, found) for i in range(1000) if (found := maker.draft(slot, i)).key is not None)
    return maker.make(Row(slot, index, draft))


def hashed(sample: Sample) -> str:
    said = json.dumps([sample.id, sample.messages, sample.meta], sort_keys=True, ensure_ascii=False)
    return sha256(said.encode()).hexdigest()[:32]


@pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: "-".join(slot))
def test_the_first_sample_is_the_one_that_it_always_was(slot):
    golden = json.loads(GOLDEN.read_text())
    assert golden["-".join(slot)] == hashed(first(slot)), "how to renew: see the top of this file"


def test_no_golden_sample_is_left_over():
    assert sorted(json.loads(GOLDEN.read_text())) == sorted("-".join(slot) for slot in SLOTS)


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps({"-".join(slot): hashed(first(slot)) for slot in SLOTS}, indent=2) + "\n")
    print(f"{len(SLOTS)} hashes in {GOLDEN}")
