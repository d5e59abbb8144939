"""Writes bench/results/data.json: how long an imagery sample takes, stage by stage.

`.venv/bin/python bench/data.py [--out FILE] [--whole]`. The Rubik's Cube stands for all worlds in a comparison with matplotlib:
one that is easily drawn there. Samples are those of the default recipe, each with a picture,
and that without noise; each is new, so no cache of samples can help. Times are those of one core of the processor, not
of the clock: what else the machine does hardly counts. With `--whole` it also runs `idf imagery` as users do, and counts what one
process holds for each sample of a dataset.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass, fields, replace
from importlib.metadata import version
from io import BytesIO
from itertools import islice
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

import matplotlib_cube
import numpy as np
from machine import machine
from numpy.typing import NDArray

from idf.data import (
    Draft,
    LocalEngine,
    Row,
    Sample,
    Slot,
    allot_slots,
    choose_rows,
    keep_memory,
    measure_shortcuts,
    write_shard,
)
from idf.drawing import decode_picture, draw, encode_png
from idf.imagery import ImageryMaker, ImageryRecipe
from idf.suites import published
from idf.worlds import WORLDS, Scene

ROOT = Path(__file__).parents[1]
Pictures = list[NDArray[np.uint8]]
IDF = "idf"
WAYS = {world: (IDF,) for world in WORLDS} | {
    matplotlib_cube.WORLD: (IDF, "matplotlib, new figure", "matplotlib, kept figure")
}
"""World -> the ways in which its samples are made."""


@dataclass(frozen=True)
class Stages:
    """Milliseconds per sample.

    Attributes:
        simulate: The scene (to choose the sample, and again to make it) and the texts.
        draw: The pixels.
        encode: The PNG file.
        write: The row of a parquet shard.
    """

    simulate: float
    draw: float
    encode: float
    write: float

    @property
    def total(self) -> float:
        return sum(astuple(self))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=40, help="samples of each world in a pass (default: %(default)s)")
    parser.add_argument("--passes", type=int, default=3, help="the median pass counts (default: %(default)s)")
    parser.add_argument("--whole", action="store_true", help="also time `idf imagery` from start to end")
    parser.add_argument("--samples", type=int, default=20000, help="samples of --whole (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="workers of --whole (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()

    keep_memory()  # as idf's workers do; matplotlib gains from it as well
    measured = {}
    for world in WORLDS:
        measured[world] = _measure(world, arguments.scenes, arguments.passes)
        _print(world, *measured[world])
    mean = {IDF: _mean([stages[IDF] for stages, _ in measured.values()])}
    _print("all five, equal shares", mean, None)
    result: dict[str, Any] = {
        "scenes": arguments.scenes,
        "passes": arguments.passes,
        "worlds": {world: _report(*values) for world, values in measured.items()},
        "all": _report(mean, None),
    }
    if arguments.whole:
        with TemporaryDirectory() as folder:
            made = Path(folder) / "imagery"
            result["whole"] = _whole(made, arguments.samples, arguments.workers)
            result["memory"] = _memory(made, arguments.samples, arguments.workers)
        print(json.dumps(result["whole"]), json.dumps(result["memory"]))
    if arguments.out:
        result["machine"] = machine()
        result["versions"] = {name: version(name) for name in ("matplotlib", "pillow", "aggdraw", "zlib-ng", "pyarrow")}
        arguments.out.write_text(json.dumps(result, indent=2) + "\n")


# --- one world ---------------------------------------------------------------------------------------------------


def _measure(world: str, scenes: int, passes: int) -> tuple[dict[str, Stages], dict[str, float] | None]:
    """The stages of each way; with matplotlib among them, how far its pictures are from ours.

    Args:
        world: Name of the world.
        scenes: How many samples in a pass.
        passes: How many passes.

    Returns:
        Milliseconds by way; mean absolute difference (of 255) of matplotlib's picture and ours of the same scene, and
        of ours of different scenes.
    """
    ways, new = WAYS[world], _samples(world, scenes * (passes + 1))
    # Tables, tiles and figures that are made once are no cost of a sample.
    _write([_one(way, *sample) for sample in list(islice(new, scenes)) for way in ways])
    # The ways take turns pass by pass, so that what else the machine does hits them alike; not sample by sample, where each
    # would find the processor's caches full of the other's data.
    rounds: dict[str, list[list[_Made]]] = {way: [] for way in ways}
    for _ in range(passes):
        batch = list(islice(new, scenes))
        for way in ways:
            rounds[way].append([_one(way, *sample) for sample in batch])
    files = {way: [made for batch in rounds[way] for made in batch] for way in ways}
    difference = None
    if len(ways) > 1:
        difference = _difference(*([decode_picture(made.png) for made in files[way][:scenes]] for way in ways))
        if difference["same_scene"] >= difference["next_scene"] / 2:
            raise SystemExit(f"{world}: matplotlib draws other scenes than idf: {difference}")
    stages = {}
    for way in ways:
        simulate, draw, encode = (
            median(fmean(made.seconds[stage] for made in batch) * 1000 for batch in rounds[way]) for stage in range(3)
        )
        write = median(_write(files[way]) for _ in range(passes)) * 1000
        stages[way] = Stages(simulate, draw, encode, write)
    return stages, difference


def _difference(ours: Pictures, on_new: Pictures, on_kept: Pictures) -> dict[str, float]:
    def mean(a: Pictures, b: Pictures) -> float:
        return fmean(float(np.abs(x - y.astype(np.int16)).mean()) for x, y in zip(a, b, strict=True))

    if mean(on_new, on_kept):
        raise SystemExit("matplotlib draws another picture on a kept figure than on a new one")
    return {"same_scene": mean(ours, on_kept), "next_scene": mean(ours, [*ours[1:], ours[0]])}


@dataclass(frozen=True)
class _Made:
    """A sample with its picture, and the seconds of simulating, drawing and encoding."""

    sample: Sample
    seconds: tuple[float, float, float]

    @property
    def png(self) -> bytes:
        return self.sample.images[0]


def _samples(world: str, number: int) -> Iterator[tuple[Sample, Scene, float]]:
    """New samples without pictures, in the recipe's shape, the scenes to draw, and the seconds that simulating took."""
    kinds = {kind: weight for kind, weight in ImageryRecipe().kinds.items() if kind != "reading"}  # is never without
    recipe = ImageryRecipe(kinds=kinds, modes={"tqa": 1.0}, noise=0.0)
    maker = ImageryMaker(recipe, published(None))
    slots = allot_slots(number, {world: 1.0}, recipe.difficulties, {world: recipe.kinds_of(world)}, recipe.seed)
    next_index: Counter[Slot] = Counter()
    for slot in slots:
        begin, draft = process_time(), Draft(None)
        while draft.key is None:
            index = next_index[slot]
            next_index[slot] += 1
            draft = maker.draft(slot, index)
        row = Row(slot, index, draft)
        sample = maker.make(row)
        seconds = process_time() - begin
        yield sample, maker.lesson(row).scene, seconds


def _one(way: str, sample: Sample, scene: Scene, simulating: float) -> _Made:
    """A sample with its picture made in a way."""
    if way == IDF:
        begin = process_time()
        pixels = draw(scene)
        drawn = process_time()
        png = encode_png(pixels)
        drawing, encoding = drawn - begin, process_time() - drawn
    else:
        png, drawing, encoding = _save_figure(scene, kept="kept" in way)
    return _Made(replace(sample, images=[png]), (simulating, drawing, encoding))


def _save_figure(scene: Scene, *, kept: bool) -> tuple[bytes, float, float]:
    """Matplotlib's PNG file by `savefig`, as its users make one, and the seconds of drawing and of encoding."""
    begin = process_time()
    figure = matplotlib_cube.arrange(scene, kept=kept)
    drawn: list[float] = []  # savefig draws and encodes; this event lies between the two
    connection = figure.canvas.mpl_connect("draw_event", lambda _: drawn.append(process_time()))
    file = BytesIO()
    figure.savefig(file, format="png")
    end = process_time()
    figure.canvas.mpl_disconnect(connection)
    (middle,) = drawn
    return file.getvalue(), middle - begin, end - middle


def _write(made: list[_Made]) -> float:
    """Seconds per sample of writing a parquet shard, its hash included."""
    samples = [one.sample for one in made]
    with TemporaryDirectory() as folder:
        begin = process_time()
        write_shard(samples, Path(folder) / "shard.parquet")
        return (process_time() - begin) / len(samples)


# --- from start to end -------------------------------------------------------------------------------------------

# The largest resident set of a process's descendants. A process of its own asks for it, since a child's counter begins
# at the size of the process that started it.
_WATCH = """
import json, resource, subprocess, sys, time
begin = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=sys.stderr)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({
    "seconds": round(time.perf_counter() - begin, 1),
    "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
    "largest_process_mib": round(used.ru_maxrss / 1024),
}))
"""


def _whole(out: Path, samples: int, workers: int) -> dict[str, Any]:
    """`idf imagery` as users run it: seconds, memory of its largest process (Linux), bytes written."""
    idf = Path(sys.executable).with_name("idf")
    command = [str(idf), "imagery", "--out", str(out), "--samples", str(samples), "--workers", str(workers)]
    watched = subprocess.run([sys.executable, "-c", _WATCH, *command], check=True, stdout=subprocess.PIPE, text=True)
    written = sum(path.stat().st_size for path in out.rglob("*.parquet"))
    return {"samples": samples, "workers": workers, **json.loads(watched.stdout), "parquet_mib": round(written / 2**20)}


def _memory(made: Path, samples: int, workers: int) -> dict[str, Any]:
    """What grows with the number of samples in the process that made a dataset, and not in its workers: bytes for each."""
    recipe = ImageryRecipe(samples=samples)
    kinds = {world: recipe.kinds_of(world) for world in recipe.worlds}
    slots = allot_slots(samples, recipe.worlds, recipe.difficulties, kinds, recipe.seed)
    maker = ImageryMaker(recipe, published(None))
    with LocalEngine(workers) as engine:
        tracemalloc.start()
        _held = choose_rows(slots, maker, engine)
        kept, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    tracemalloc.start()
    measure_shortcuts(sorted(made.rglob("*.parquet")))
    tables = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {
        "samples": samples,
        "chosen_bytes_per_sample": round(kept / samples),
        "choosing_peak_bytes_per_sample": round(most / samples),
        "shortcuts_peak_bytes_per_sample": round(tables / samples),
    }


# --- report ------------------------------------------------------------------------------------------------------


def _mean(stages: list[Stages]) -> Stages:
    return Stages(*(fmean(column) for column in zip(*map(astuple, stages), strict=True)))


def _report(stages: dict[str, Stages], difference: dict[str, float] | None) -> dict[str, Any]:
    ours, picture = stages[IDF].total, stages[IDF].draw + stages[IDF].encode
    report: dict[str, Any] = {
        way: {
            "ms": {stage: round(ms, 3) for stage, ms in asdict(values).items()},
            "total_ms": round(values.total, 3),
            "samples_per_second": round(1000 / values.total, 1),
            "times_idf": round(values.total / ours, 1),
            "picture_times_idf": round((values.draw + values.encode) / picture, 1),
        }
        for way, values in stages.items()
    }
    if difference:
        report["difference_of_255"] = {name: round(value, 2) for name, value in difference.items()}
    return report


def _print(title: str, stages: dict[str, Stages], difference: dict[str, float] | None) -> None:
    names = [field.name for field in fields(Stages)]
    print(f"{title:<26}" + "".join(f"{name:>10}" for name in (*names, "total ms", "samples/s", "x idf", "x picture")))
    ours, picture = stages[IDF].total, stages[IDF].draw + stages[IDF].encode
    for way, values in stages.items():
        cells = "".join(f"{ms:>10.2f}" for ms in (*astuple(values), values.total))
        times = f"{values.total / ours:>10.1f}{(values.draw + values.encode) / picture:>10.1f}"
        print(f"  {way:<24}{cells}{1000 / values.total:>10.0f}{times}")
    if difference:
        same, other = difference["same_scene"], difference["next_scene"]
        print(f"  pictures: {same:.2f} of 255 between the two, {other:.2f} between ours of different scenes")
    print(flush=True)


if __name__ == "__main__":
    main()
