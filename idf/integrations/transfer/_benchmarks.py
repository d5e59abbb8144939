"""Which benchmarks a set holds, what lmms-eval calls them, and where its sample logs say how an item was answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from idf.recipe import check_names

_RIGHT = ("is_correct",)
_MRA = "MRA:.5:.95:.05"  # mean relative accuracy, for answers that are numbers


@dataclass(frozen=True)
class Benchmark:
    """A benchmark and its task in lmms-eval.

    Attributes:
        name: As its paper calls it.
        task: The task or group of lmms-eval; None if it has none.
        metric: The metric of its sample logs that says how an item was answered.
        keys: Where the score stands, if the metric is an object: the first of these keys that it has.
        cluster: The key of that object that questions about one thing share; None if each question stands alone.
        parts: The tasks of a group, as patterns of names.
    """

    name: str
    task: str | None
    metric: str = ""
    keys: tuple[str, ...] = ("score",)
    cluster: str | None = None
    parts: tuple[str, ...] = ()

    def holds(self, task: str) -> bool:
        """Whether a sample log of this task of lmms-eval belongs to the benchmark."""
        return any(fnmatchcase(task, pattern) for pattern in self.parts or (self.task or "",))


_MINDCUBE = Benchmark("MindCube (tiny)", "mindcube_tiny", "overall_accuracy")
_VIEWSPATIAL = Benchmark("ViewSpatial", "viewspatial", "overall_accuracy")
_SPATIALVIZ = Benchmark("SpatialViz", "spatialviz_full", "spatialviz_score", _RIGHT)
_STARE = Benchmark("STARE", "stare_full", "stare_score", _RIGHT)
_EMBSPATIAL = Benchmark("EmbSpatial", "embspatial", "embspatial_acc", _RIGHT)
_ERQA = Benchmark("ERQA", "erqa", "erqa_acc", _RIGHT)
_ROBOSPATIAL = Benchmark("RoboSpatial", "robo_spatial_all", "robo_spatial_score")
_VSI = Benchmark("VSI-Bench", "vsibench_multiimage", "vsibench_overall", ("accuracy", _MRA), "scene_name")
_REFSPATIAL = ("refspatial_location", "refspatial_placement", "refspatial_unseen")

SETS: dict[str, tuple[Benchmark, ...]] = {
    "near": (_SPATIALVIZ, _STARE, _MINDCUBE, _VIEWSPATIAL),
    # The list of EASI 0.2.2 (docs/Support_bench_models.md), in its order.
    "easi": (
        _MINDCUBE,
        _VIEWSPATIAL,
        _EMBSPATIAL,
        Benchmark("MMSI-Bench", "mmsi_bench", "average"),
        _VSI,
        Benchmark(
            "VSI-Bench-Debiased",
            "vsibench_debiased_multiimage",
            "vsibench_overall",
            ("accuracy", _MRA),
            "scene_name",
        ),
        Benchmark("SITE-Bench (pictures)", "site_bench_image", "accuracy", ("overall",)),
        Benchmark("SITE-Bench (videos)", "site_bench_video_multiimage", "accuracy", ("overall",)),
        Benchmark("SPAR-Bench", "sparbench", "sparbench_score", ("accuracy", _MRA, "vci_metric")),
        _STARE,
        _SPATIALVIZ,
        Benchmark("OmniSpatial", "omnispatial_test", "omnispatial", _RIGHT),
        _ERQA,
        Benchmark("RefSpatial-Bench", "refspatial", "refspatial_acc", ("accuracy",), parts=_REFSPATIAL),
        _ROBOSPATIAL,
        Benchmark("SPBench", None),
        Benchmark("MMSI-Video-Bench", "mmsi_video_u50", "overall_accuracy"),
        Benchmark("VSI-SUPER-Recall (10 min)", "vsisuper_recall_10mins", "accuracy"),
        Benchmark("VSI-SUPER-Count (10 min)", "vsisuper_count_10mins", "mra"),
        Benchmark("STI-Bench", None),
        Benchmark("BLINK", "blink", "blink_acc", _RIGHT, parts=("blink_*",)),
        Benchmark("CV-Bench", "cv_bench", "cv_bench_acc", _RIGHT),
        Benchmark("3DSRBench", "3dsrbench_circular", "vanilla_accuracy", cluster="qid"),
        Benchmark("LEGO-Puzzles", None),
        Benchmark("Spatial457", "spatial457", "spatial457_accuracy", _RIGHT, parts=("spatial457_*",)),
        Benchmark("DSR-Bench", None),
        Benchmark("ERIQ", None),
        Benchmark("OSI-Bench", "osi_bench_frames", "overall"),
    ),
    "embodied": (_EMBSPATIAL, _ERQA, _ROBOSPATIAL, _VSI),
    "general": (
        Benchmark("MMStar", "mmstar", "average"),
        Benchmark("RealWorldQA", "realworldqa", "exact_match"),
    ),
    # Comes with idf: it tries the way, and says nothing about a model.
    "stub": (
        Benchmark("stub: choices", "idf_stub_choice", "accuracy"),
        Benchmark("stub: numbers", "idf_stub_number", "mra"),
    ),
}
"""Set -> its benchmarks."""


def choose(names: Sequence[str]) -> tuple[Benchmark, ...]:
    """The benchmarks of some sets, each once.

    Args:
        names: Keys of SETS; all sets if there is none.

    Raises:
        UserError: A set is unknown.
    """
    chosen = list(names or SETS)
    check_names("--set", chosen, SETS)
    return tuple(dict.fromkeys(one for name in chosen for one in SETS[name]))
