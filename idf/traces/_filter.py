"""The trajectory filter: what provably succeeds is kept, in equal shares; all else is lost and counted."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from tqdm import tqdm

from idf.data import DatasetFolder, Sample, text_of, write_dataset
from idf.errors import UserError
from idf.recipe import to_plain
from idf.worlds import WORLDS, Problem, problem_from_json

from ._balance import Stratum, quotas
from ._duplicates import ShingleFile, near_duplicates, scene_of, shingles_of, words_of
from ._funnel import Funnel
from ._judge import PROOFS, FilterRecipe, judge_trace, proof_of


@dataclass(frozen=True, slots=True)  # one for each problem that is solved
class _Success:
    """What is remembered of a trace that breaks no rule by itself; `text` and `scene` are numbers of its shingles' sets."""

    id: str
    world: str
    difficulty: str
    words: int
    text: int
    scene: int
    proof: str
    length: str | None

    @property
    def rank(self) -> tuple[int, str]:
        """Shorter is better; ties go by id, so that the order of the candidates decides nothing."""
        return self.words, self.id


def filter_traces(
    source: DatasetFolder, out: Path, recipe: FilterRecipe, allow_fewer: bool = False
) -> tuple[DatasetFolder, Funnel]:
    """Keep the traces that provably succeed: one for each problem, balanced over worlds and difficulties.

    Which ones are kept depends on the candidates and the recipe, not on the order of the candidates.

    Args:
        source: Candidate traces. It is read twice, sample by sample; pictures are never held.
        out: The folder to write, which must not hold a dataset yet.
        recipe: What to keep.
        allow_fewer: Whether fewer than `recipe.keep` are good enough.

    Returns:
        The folder of kept traces, unchanged and in the order of the candidates; and the funnel.

    Raises:
        UserError: Fewer traces than asked for succeed (nothing is written then), a row holds no problem, or two rows
            share an id.
    """
    recipe.check()
    funnel = Funnel()
    with ShingleFile() as shingles:
        best = _distinct(_best_of_each_problem(source, recipe, funnel, shingles), recipe, funnel, shingles)
    if len(best) < recipe.keep and not allow_fewer:
        for success in best:
            funnel.add(success.world, "spare")
        raise UserError(
            f"only {len(best)} of {len(source)} traces in {source.path} succeed, {recipe.keep} were asked for: make more "
            f"with `idf traces --problems`, or say --allow-fewer; nothing was written\n{funnel.table()}\n{funnel.why()}"
        )
    if not best:
        raise UserError(f"no trace in {source.path} succeeds: nothing was written\n{funnel.table()}\n{funnel.why()}")
    chosen = _balanced(best, recipe, funnel)
    proofs = Counter(success.proof for success in best if success.id in chosen)
    funnel.proofs.update({proof: proofs[proof] for proof in PROOFS if proofs[proof]})
    overlaps: dict[str, Counter[str]] = {}
    facts = {
        "stage": "traces",
        "recipe": to_plain(recipe),
        "seed": source.manifest.get("seed"),
        "source": {
            "folder": source.path.name,
            "fingerprint": source.fingerprint(),
            "recipe": source.manifest.get("recipe"),
            "source": source.manifest.get("source"),
        },
        "funnel": funnel.facts(),
        "published": source.manifest.get("published"),
        "choice": overlaps,
        "split": source.manifest.get("split"),
    }
    kept = (sample for sample in source.samples() if sample.id in chosen)
    return write_dataset(_counted(kept, overlaps), out, facts), funnel


def _counted(samples: Iterable[Sample], overlaps: dict[str, Counter[str]]) -> Iterator[Sample]:
    """The samples; on the way, those that equal a published item are counted, per world and level."""
    for sample in samples:
        of_world = overlaps.setdefault(sample.world, Counter())
        of_world.update(f"overlap_{level}" for level in sample.meta.get("overlaps", ()))
        yield sample


def _best_of_each_problem(
    source: DatasetFolder, recipe: FilterRecipe, funnel: Funnel, shingles: ShingleFile
) -> list[_Success]:
    best: dict[tuple[str, str], _Success] = {}
    ids: set[str] = set()
    for sample in tqdm(source.samples(), total=len(source), unit=" traces", mininterval=1):
        if sample.id in ids:
            raise UserError(f"{source.path}: two samples have the id {sample.id}: every trace needs an id of its own")
        ids.add(sample.id)
        funnel.add(sample.world, "in")
        problem = _problem_of(source, sample)
        said = sample.messages[-1]
        response = text_of(said) if said["role"] == "assistant" else ""
        if lost := judge_trace(problem, response, sample.meta.get("finish_reason"), recipe):
            rule, detail = lost
            if rule == "failed":
                detail = sample.meta.get("teacher_error") or detail
            funnel.lose(sample.world, rule, sample.id, detail)
            continue
        success = _Success(
            sample.id,
            sample.world,
            sample.difficulty,
            words=len(response.split()),
            text=shingles.append(shingles_of(words_of(response))),
            proof=proof_of(problem, response, recipe),
            length=sample.meta.get("length"),
            scene=shingles.append(
                scene_of([*WORLDS[problem.world].write(problem.start).split(), *" ".join(problem.query).split()])
            ),
        )
        place = (sample.world, sample.meta["key"])
        before = best.setdefault(place, success)
        if before is not success:
            best[place], beaten = sorted((before, success), key=lambda trace: trace.rank)
            funnel.lose(beaten.world, "longer", beaten.id, f"{beaten.words} words, another has {best[place].words}")
    return list(best.values())


def _problem_of(source: DatasetFolder, sample: Sample) -> Problem[Any, Any]:
    for name in ("problem", "key"):
        if name not in sample.meta:
            raise UserError(f"{source.path}: the sample {sample.id} holds no {name}: is this a folder of `idf traces`?")
    try:
        return problem_from_json(sample.meta["problem"])
    except ValueError as error:
        raise UserError(f"{source.path}: the problem of sample {sample.id} cannot be read: {error}") from None


def _distinct(
    successes: Iterable[_Success], recipe: FilterRecipe, funnel: Funnel, shingles: ShingleFile
) -> list[_Success]:
    """The successes less near-duplicates in the same world; of two the better one stays."""
    by_world: dict[str, list[_Success]] = defaultdict(list)
    for success in sorted(successes, key=lambda trace: trace.rank):
        by_world[success.world].append(success)
    kept = []
    for world, of_world in sorted(by_world.items()):
        texts = shingles.picked([success.text for success in of_world])
        scenes = shingles.picked([success.scene for success in of_world])
        originals = near_duplicates(texts, scenes, recipe.near_duplicate)
        for success, original in zip(of_world, originals, strict=True):
            if original is None:
                kept.append(success)
            else:
                funnel.lose(world, "duplicate", success.id, f"nearly the same as {of_world[original].id}")
    return kept


def _balanced(successes: list[_Success], recipe: FilterRecipe, funnel: Funnel) -> set[str]:
    """The ids to keep: equal shares of each world and difficulty, within one by a hash of the id."""
    strata: dict[Stratum, list[str]] = defaultdict(list)
    lengths = {success.id: success.length for success in successes}
    for success in successes:
        strata[success.world, success.difficulty].append(success.id)
    chosen: set[str] = set()
    for (world, difficulty), quota in quotas(
        {stratum: len(ids) for stratum, ids in strata.items()}, recipe.keep
    ).items():
        ids = sorted(strata[world, difficulty], key=lambda id: blake2b(id.encode(), digest_size=8).digest())
        chosen.update(ids[:quota])
        for at, id in enumerate(ids):
            if at < quota:
                funnel.keep(world, difficulty, lengths[id])
            else:
                funnel.add(world, "spare")
    return chosen
