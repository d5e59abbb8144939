"""The data that run.py measures with: `python bench/gpu/make_data.py DIR [--tiny]`.

DIR receives `imagery` (samples of the default recipe), `suite` (problems of all worlds), and of the quickstart `imagery`,
`traces`, `suite` and `tiny`, its tiny model and tokenizer. It draws pictures, so it needs all of idf; what reads them does not.
"""

from __future__ import annotations

import argparse
import shutil
from dataclasses import replace
from pathlib import Path

from train_data import ROOT, imagery_recipe, scaled_imagery

from idf.imagery import ImageryRecipe, build_imagery
from idf.recipe import read_recipe
from idf.suites import SuiteRecipe, generate_suite
from idf.traces import FilterRecipe, TracesRecipe, build_traces, filter_traces
from idf.training.tiny import make_tiny_model

QUICKSTART = ROOT / "recipes/quickstart"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder to write")
    parser.add_argument("--tiny", action="store_true", help="a few samples, small pictures: for --cpu")
    arguments = parser.parse_args()
    out, tiny = arguments.out, arguments.tiny
    if tiny:
        scaled_imagery(out / "part", 60, 16).path.rename(out / "imagery")
        shutil.rmtree(out / "part")
        generate_suite(SuiteRecipe(items=1, difficulties=["easy"], max_pixels=12544), out / "suite")
    else:
        # 20 rows of 16,384 tokens: more than the 14 that are asked for
        build_imagery(imagery_recipe(samples=320), out / "imagery")
        generate_suite(SuiteRecipe(items=4), out / "suite")  # 60 problems
    _quickstart(out / "quickstart", tiny)


def _quickstart(out: Path, tiny: bool) -> None:
    """What launch/quickstart.sh makes before it trains; `tiny` makes a hundredth of it."""
    imagery = read_recipe(ImageryRecipe, QUICKSTART / "imagery.yaml")
    traces = read_recipe(TracesRecipe, QUICKSTART / "traces.yaml")
    suite = read_recipe(SuiteRecipe, QUICKSTART / "suite.yaml")
    keep = 7000  # as launch/quickstart.sh has it
    if tiny:
        imagery, traces, keep = replace(imagery, samples=105), replace(traces, problems=80), 60
        suite = replace(suite, items=4)
    samples = build_imagery(imagery, out / "imagery")
    candidates = build_traces(traces, out / "candidates")
    kept, _ = filter_traces(candidates, out / "traces", FilterRecipe(keep=keep), False)
    shutil.rmtree(out / "candidates")
    generate_suite(suite, out / "suite")
    make_tiny_model([samples, kept], out / "tiny")


if __name__ == "__main__":
    main()
