"""What a dataset consists of, counted: worlds, kinds, answers, lengths in tokens, measures of difficulty, actions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from tqdm import tqdm

from idf.errors import UserError
from idf.worlds import DIFFICULTIES

from ._folder import DatasetFolder
from ._sample import Sample
from ._tokens import Lengths, TokenCounter

PAIRS = (
    ("moves", "distance"),
    ("moves", "shortest"),
    ("moves", "pushes"),
    ("least_moves", "moves"),
    ("least_pushes", "pushes"),
)
"""Measures that are worth seeing against each other, in every world that has both: how long a walk is, and how far it gets."""

_TOP = 5  # answers that are kept by name


def measure_dataset(folder: DatasetFolder, count: TokenCounter) -> dict[str, Any]:
    """Count what a dataset consists of. No picture is decoded.

    Args:
        folder: The dataset.
        count: Who counts tokens.

    Returns:
        JSON values: "samples", "stage", "fingerprint", "tokens" (how they were counted), and "worlds": world -> {
        "samples", "scenes" (different ones),
        "counts": difficulty -> kind -> samples,
        "modes", "wordings" (prompt sets, for traces), "actions": name -> number,
        "pictures": {"samples" with one, "noisy"},
        "lengths": length -> samples, and "told longer": those drawn in a shorter one (only if traces state a length),
        "answers": kind -> {"samples", "different", "most": [[answer, samples], ...], most frequent first},
        "tokens": "prompt", "answer", "vision" (of samples with a picture), "total" -> {"min", "p10", "median", "p90", "max"},
        "measures": name -> difficulty -> {value: samples},
        "pairs": "a b" -> [[value of a, value of b, samples], ...],
        "not_stated": key of `meta` -> samples that do not have it}.

    Raises:
        UserError: A sample cannot be counted; it is named.
    """
    worlds: dict[str, _World] = defaultdict(_World)
    total = 0
    for sample in tqdm(folder.samples(), total=len(folder), desc="reading", unit=" samples", mininterval=1):
        worlds[sample.world].add(sample, count(sample))
        total += 1
    if not total:
        raise UserError(f"the dataset in {folder.path} holds no samples")
    return {
        "samples": total,
        "stage": folder.manifest.get("stage"),
        "fingerprint": folder.fingerprint(),
        "tokens": count.how,
        "worlds": {world: worlds[world].facts() for world in sorted(worlds)},
    }


@dataclass
class _World:
    """The counts of one world."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    scenes: set[str] = field(default_factory=set)
    modes: Counter[str] = field(default_factory=Counter)
    wordings: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    pictures: Counter[str] = field(default_factory=Counter)
    lengths: Counter[str] = field(default_factory=Counter)
    answers: dict[str, Counter[str]] = field(default_factory=dict)
    tokens: list[Lengths] = field(default_factory=list)
    measures: dict[str, dict[str, Counter[int]]] = field(default_factory=dict)
    pairs: dict[str, Counter[tuple[int, int]]] = field(default_factory=dict)
    not_stated: Counter[str] = field(default_factory=Counter)

    def add(self, sample: Sample, lengths: Lengths) -> None:
        """Count one sample."""
        self.counts[sample.difficulty, sample.kind] += 1
        self.tokens.append(lengths)
        if (scene := self._stated(sample, "scene", str)) is not None:
            self.scenes.add(scene)
        if (mode := self._stated(sample, "mode", str)) is not None:
            self.modes[mode] += 1
        if (wording := self._stated(sample, "prompts" if "prompts" in sample.meta else "wording", str)) is not None:
            self.wordings[wording] += 1
        if "length" in sample.meta and (length := self._stated(sample, "length", str)) is not None:
            self.lengths[length] += 1
            self.lengths["told longer"] += (self._stated(sample, "length_drawn", str) or length) != length
        if (answer := self._stated(sample, "answer", str)) is not None:
            self.answers.setdefault(sample.kind, Counter())[answer] += 1
        self.actions.update(self._stated(sample, "actions", list) or ())
        if sample.images:
            self.pictures["samples"] += 1
            self.pictures["noisy"] += bool(self._stated(sample, "noise", bool))
        measures = self._stated(sample, "measures", dict) or {}
        for name, value in measures.items():
            self.measures.setdefault(name, {}).setdefault(sample.difficulty, Counter())[value] += 1
        for a, b in PAIRS:
            if a in measures and b in measures:
                self.pairs.setdefault(f"{a} {b}", Counter())[measures[a], measures[b]] += 1

    def _stated(self, sample: Sample, key: str, kind: type[Any]) -> Any:
        """What `meta` says under a key, None if it says nothing; that is counted."""
        value = sample.meta.get(key)
        if value is None:
            self.not_stated[key] += 1
        elif not isinstance(value, kind):
            raise UserError(f"sample {sample.id}: {key} of its meta is {value!r}, which is no {kind.__name__}")
        return value

    def facts(self) -> dict[str, Any]:
        """The counts as JSON values, in an order that depends on nothing but the samples."""
        difficulties = in_order({difficulty for difficulty, _ in self.counts})
        kinds = sorted({kind for _, kind in self.counts})
        return {
            "samples": len(self.tokens),
            "scenes": len(self.scenes),
            "counts": {d: {k: self.counts[d, k] for k in kinds if self.counts[d, k]} for d in difficulties},
            "modes": dict(sorted(self.modes.items())),
            "wordings": dict(sorted(self.wordings.items())),
            "pictures": {name: self.pictures[name] for name in ("samples", "noisy")},
            **({"lengths": dict(sorted(self.lengths.items()))} if self.lengths else {}),
            "answers": {kind: _answers(answers) for kind, answers in sorted(self.answers.items())},
            "tokens": {
                "prompt": spread([lengths.prompt for lengths in self.tokens]),
                "answer": spread([lengths.answer for lengths in self.tokens]),
                "vision": spread([lengths.vision for lengths in self.tokens if lengths.vision] or [0]),
                "total": spread([lengths.total for lengths in self.tokens]),
            },
            "measures": {
                name: {d: {str(value): n for value, n in sorted(found[d].items())} for d in in_order(found)}
                for name, found in sorted(self.measures.items())
            },
            "pairs": {
                pair: [[a, b, n] for (a, b), n in sorted(found.items())] for pair, found in sorted(self.pairs.items())
            },
            "actions": dict(sorted(self.actions.items())),
            "not_stated": dict(sorted(self.not_stated.items())),
        }


def in_order(difficulties: Mapping[str, Any] | set[str]) -> list[str]:
    """Names of difficulties from easy to hard; any others after them."""
    return sorted(difficulties, key=lambda name: ((*DIFFICULTIES, name).index(name), name))


def spread(numbers: Sequence[int]) -> dict[str, float]:
    """Least, median and greatest of at least one number, and its tenth and ninetieth percentile by nearest rank."""
    ranked = sorted(numbers)
    p10, p90 = (ranked[-(-len(ranked) * tenths // 10) - 1] for tenths in (1, 9))
    return {"min": ranked[0], "p10": p10, "median": median(ranked), "p90": p90, "max": ranked[-1]}


def _answers(answers: Counter[str]) -> dict[str, Any]:
    most = sorted(answers.items(), key=lambda item: (-item[1], item[0]))  # of equals, in alphabetical order
    return {"samples": answers.total(), "different": len(answers), "most": [list(item) for item in most[:_TOP]]}
