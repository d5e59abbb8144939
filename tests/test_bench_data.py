"""bench/data.py at its smallest size: every world is measured, and one of them beside matplotlib."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from idf.worlds import WORLDS

ROOT = Path(__file__).parents[1]


def test_every_world_is_measured_and_the_cube_beside_matplotlib(tmp_path):
    out = tmp_path / "data.json"
    command = [sys.executable, str(ROOT / "bench/data.py"), "--scenes", "4", "--passes", "1", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    told, committed = (json.loads(path.read_text()) for path in (out, ROOT / "bench/results/data.json"))
    assert list(told["worlds"]) == list(WORLDS)
    for world, ways in told["worlds"].items():
        assert list(ways) == list(committed["worlds"][world]), "the committed result is of this script"
    cube = told["worlds"]["rubiks_cube"]
    assert cube["matplotlib, new figure"]["picture_times_idf"] > cube["idf"]["picture_times_idf"] == 1
    assert cube["difference_of_255"]["same_scene"] < 1 < cube["difference_of_255"]["next_scene"]
    assert list(told["all"]) == list(committed["all"]) == ["idf"]
