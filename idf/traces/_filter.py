"""The trajectory filter: replay each trace in its world, keep those that succeed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from idf.data import DatasetFolder, Sample, text_of, write_dataset
from idf.errors import UserError
from idf.recipe import check_positive
from idf.scoring import score
from idf.worlds import problem_from_json


@dataclass
class Funnel:
    """How many traces came in, were lost to each error, were kept; per world.

    Attributes:
        counts: World -> {"in", each error class, "kept", "spare" (right, but more than were asked for)}.
    """

    counts: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, world: str, what: str) -> None:
        """Count one trace."""
        self.counts.setdefault(world, {})
        self.counts[world][what] = self.counts[world].get(what, 0) + 1

    @property
    def kept(self) -> int:
        """Kept traces of all worlds."""
        return sum(count.get("kept", 0) for count in self.counts.values())

    def table(self) -> str:
        """The funnel as text, a world a line."""
        columns = [
            "in",
            *sorted({w for c in self.counts.values() for w in c} - {"in", "kept", "spare"}),
            "spare",
            "kept",
        ]
        width = max(map(len, ["world", *self.counts]))
        lines = [f"{'world':<{width}}" + "".join(f"{column:>12}" for column in columns)]
        for world, counts in sorted(self.counts.items()):
            lines.append(f"{world:<{width}}" + "".join(f"{counts.get(column, 0):>12,}" for column in columns))
        return "\n".join(lines)


def filter_traces(
    source: DatasetFolder, out: Path, keep: int, allow_fewer: bool = False
) -> tuple[DatasetFolder, Funnel]:
    """Keep the first `keep` traces whose final answer is right; a plan is replayed step by step.

    Args:
        source: Candidate traces.
        out: The folder to write, which must not hold a dataset yet.
        keep: How many to keep.
        allow_fewer: Whether fewer are good enough.

    Raises:
        UserError: Fewer traces than asked for succeed (nothing is written then), or a row holds no problem.
    """
    check_positive("keep", keep)
    funnel = Funnel()
    right: list[str] = []
    for sample in source.samples():
        funnel.add(sample.world, "in")
        verdict = _judge(source, sample)
        if verdict is not None:
            funnel.add(sample.world, verdict)
        elif len(right) < keep:
            right.append(sample.id)
            funnel.add(sample.world, "kept")
        else:
            funnel.add(sample.world, "spare")
    if len(right) < keep and not allow_fewer:
        raise UserError(
            f"only {len(right)} of {len(source)} traces in {source.path} succeed, {keep} were asked for: "
            f"make more with `idf traces --problems`, or say --allow-fewer\n{funnel.table()}"
        )
    facts = {
        "stage": "traces",
        "recipe": source.manifest.get("recipe"),
        "seed": source.manifest.get("seed"),
        "source": {"folder": source.path.name, "fingerprint": source.fingerprint()},
        "funnel": funnel.counts,
        "split": source.manifest.get("split"),
    }
    return write_dataset(_chosen(source, set(right)), out, facts), funnel


def _judge(source: DatasetFolder, sample: Sample) -> str | None:
    """The error class of a trace, or None if it succeeds."""
    if "problem" not in sample.meta:
        raise UserError(f"{source.path}: the sample {sample.id} holds no problem: is this a folder of `idf traces`?")
    try:
        problem = problem_from_json(sample.meta["problem"])
    except ValueError as error:
        raise UserError(f"{source.path}: the problem of sample {sample.id} cannot be read: {error}") from None
    return score(problem, text_of(sample.messages[-1]), sample.meta.get("finish_reason")).error


def _chosen(source: DatasetFolder, ids: set[str]) -> Iterator[Sample]:
    return (sample for sample in source.samples() if sample.id in ids)
