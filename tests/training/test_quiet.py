"""What libraries say comes from the first rank alone; what a rank has to say itself is always heard."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from .running import ROOT

STORY = """
from idf.errors import RankError
from idf.training.stage import run_stage

def story():
    import logging
    import warnings

    from transformers.utils import logging as told

    warnings.warn("a warning of a library")
    logging.getLogger("deepspeed.runtime").info("an information")
    logging.getLogger("accelerate").warning("a line of accelerate")
    told.get_logger("transformers.modeling_utils").warning("a line of transformers")
    list(told.tqdm(range(3), desc="a bar of transformers"))
    logging.getLogger("accelerate").error("an error of accelerate")
    print("a line of idf", flush=True)
    raise RankError("this rank failed")

run_stage(story)
"""
NOISE = ("a warning of a library", "a line of accelerate", "a line of transformers", "a bar of transformers")


def ended(rank: int, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", STORY],
        env={**os.environ, "PYTHONPATH": str(ROOT), "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
        | environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("rank", [0, 1])
def test_libraries_speak_on_the_first_rank_alone(rank: int) -> None:
    done = ended(rank)
    assert [said in done.stderr for said in NOISE] == [rank == 0] * len(NOISE), done.stderr
    assert "an error of accelerate" in done.stderr
    assert "this rank failed" in done.stderr
    assert done.stdout == "a line of idf\n"
    assert done.returncode == 1


def test_a_variable_that_the_user_has_set_stays() -> None:
    assert "a bar of transformers" in ended(1, HF_HUB_DISABLE_PROGRESS_BARS="0").stderr
