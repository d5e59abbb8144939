"""What decides an evaluation: one typed object, from which recipes and the command line are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field
from pathlib import Path
from typing import Any, Literal

from idf.backends import (
    ModelSpec,
    Sampling,
    backend_class,
    backend_names,
    check_model_spec,
    options_of,
    require_backend,
    with_options,
)
from idf.drawing import DAMAGES
from idf.errors import UserError
from idf.recipe import build_recipe, check_names, check_pixels, check_ranges, key
from idf.suites import HELD_OUT_OF, MODES, PROMPT_SETS

RULES = "rules"
DEFAULT_MODES = ("vtqa",)
DEFAULT_MOVES = 50


@dataclass(frozen=True)
class ParserRecipe:
    """Who finds the final answer in a response. Beside these keys a recipe has those of the parser's backend.

    Attributes:
        name: "rules", or the name of a backend, whose model may only quote the answer.
        model: That model.
        max_new_tokens: Longest reply; a model that thinks needs room for its thoughts.
        temperature: 0 always takes the likeliest token; "default" sends none (endpoints only).
    """

    name: str = RULES
    model: str | None = None
    max_new_tokens: int = key(512, least=1)
    temperature: float | Literal["default"] = 0.0

    @classmethod
    def variant(cls, keys: Mapping[str, Any]) -> type[ParserRecipe]:
        """The recipe of the parser that some keys name, with the options of its backend."""
        name = str(keys.get("name", RULES))
        if name == RULES:
            return cls
        if name not in backend_names():
            raise UserError(
                f"unknown parser {name!r}: use rules, or BACKEND:MODEL such as openai:MODEL ({', '.join(backend_names())})"
            )
        return with_options(ParserRecipe, name)

    def check(self) -> None:
        """Refuse what cannot be asked, with a sentence."""
        if self.name == RULES and self != ParserRecipe():
            raise UserError("a parser's model or options go with --parser BACKEND:MODEL, such as openai:MODEL")
        if self.name == RULES:
            return
        if not self.model:
            raise UserError(f"--parser must be rules, or {self.name}:MODEL")
        try:
            check_ranges(self)
            check_model_spec(self.spec, f"--parser {self.name}")
        except UserError as error:
            raise UserError(f"parser.{error}") from None
        require_backend(self.name, f"--parser {self.name}")

    @property
    def spec(self) -> ModelSpec:
        """The model that quotes."""
        assert self.model is not None
        temperature = None if self.temperature == "default" else self.temperature
        return ModelSpec(self.name, self.model, Sampling(self.max_new_tokens, temperature), options_of(self, self.name))


@dataclass(frozen=True)
class EvaluationRecipe:
    """What decides an evaluation. Beside these keys a recipe has the options of its backend (`Backend.Options`).

    Attributes:
        checkpoint: Who is asked: a folder or hub name, or the name of an endpoint's model. One of these three is given.
        baseline: A trivial or perfect player.
        responses: A file of stored responses.
        suite: What is asked; None to generate one in the results' folder.
        modes: What is shown; None for "vtqa", or of stored responses for the modes in their file.
        limit: Only so many items of each world.
        duplicates: Whether items that pose the same problem as an earlier one stay.
        prompts: The prompt set.
        held_out: Whether all is asked once more, in words that are held out of training.
        pictures: Which pictures are shown.
        damage: What is done to every picture before it is shown; None for nothing.
        max_pixels: Largest picture; None for what the checkpoint was trained with.
        other_pixels: Whether `max_pixels` may differ from that.
        backend: The name of the checkpoint's backend.
        max_new_tokens: Longest response.
        samples: Responses to each item.
        temperature: 0 always takes the likeliest token; "default" leaves it to the endpoint.
        top_p: Only the likeliest tokens that together have this probability.
        seed: Another seed draws other responses.
        episodes: Whether items are acted in over turns, not asked once.
        max_moves: Replies after which an episode ends.
        probe_every: After how many moves the whole scene is asked for; None for never.
        parser: Who finds the final answer in a response.
        whole_hash: Whether all bytes of the weights go into the fingerprint.
    """

    checkpoint: str | None = None
    baseline: Literal["oracle", "initial", "random", "never", "always"] | None = key(
        None, help="a player that needs no model"
    )
    responses: str | None = key(
        None, help="score stored responses: JSON lines (id, mode, response, ...), or what docs/evaluation.md names"
    )
    suite: str | None = key(
        None,
        help="the folder of a suite made by idf suite; a clone of the published benchmark; spatialite:DIR:FILE or "
        "spatialite:DIR:all (default: one is generated, 20 items for each world and difficulty)",
    )
    modes: list[str] | None = key(
        None, help="some of vqa,tqa,vtqa, separated by commas (default: vtqa; with --responses those in the file)"
    )
    limit: int | None = key(None, least=1, help="only N items of each world, spread evenly over the suite")
    duplicates: Literal["keep", "drop"] = key(
        "keep", help="items that pose the same problem as an earlier one; both counts are shown"
    )
    prompts: str = key(
        "idf-long-1",
        help="prompt set: idf-long-1, idf-short-1; idf-held-long-1, idf-held-short-1, which are held out of training; or "
        "official-2025 and official-2025-question for the published wording",
    )
    held_out: bool = key(
        False,
        help="ask every item once more in words that no training data holds (idf-held-long-1 beside idf-long-1, "
        "idf-held-short-1 beside idf-short-1), with results of their own in OUT/held_out; the report shows the gap",
    )
    pictures: Literal["auto", "published", "drawn", "both"] = key(
        "auto",
        help="auto: the suite's own files, but Wood Slide redrawn, since its published pictures print the length of the "
        "solution; published: all files as they are; drawn: all drawn by idf; both: auto, and Wood Slide once more with its "
        "published pictures, in OUT/published_pictures",
    )
    damage: str | None = key(
        None, help="show every picture damaged: blur, jpeg or lowres and a strength from 1 to 3, such as blur-2"
    )
    max_pixels: int | None = key(None, help="largest picture (default: what the checkpoint was trained with)")
    other_pixels: bool = key(False, help="let --max-pixels differ from what the checkpoint was trained with")
    backend: str = key(
        "hf",
        help="what generates: hf (transformers), vllm, openai (a compatible endpoint, whose model is then the checkpoint), or "
        "a backend of another package",
    )
    max_new_tokens: int = key(2048, least=1, help="longest response")
    samples: int = key(1, least=1, help="responses to each item, for pass@k")
    temperature: float | Literal["default"] = key(
        0.0, help="0 takes the likeliest token; the word default sends none, and the endpoint decides"
    )
    top_p: float = key(1.0, help="nucleus sampling")
    seed: int = key(0, help="another seed draws other responses")
    episodes: bool = key(False, help="act in each item over turns (docs/environments.md); the modes say what is shown")
    max_moves: int = key(DEFAULT_MOVES, least=1, help="with --episodes: replies after which an episode ends")
    probe_every: int | None = key(
        None, least=1, help="with --episodes: after so many moves the whole scene is asked for (default: never)"
    )
    parser: ParserRecipe = field(default_factory=ParserRecipe)
    whole_hash: bool = key(False, help="read all bytes of the weights to tell them apart")

    @classmethod
    def variant(cls, keys: Mapping[str, Any]) -> type[EvaluationRecipe]:
        """The recipe with the options of the backend that some keys name."""
        name = str(keys.get("backend", "hf"))
        if name not in backend_names():
            raise UserError(f"--backend must be one of {', '.join(backend_names())}, not {name!r}")
        return with_options(EvaluationRecipe, name)

    @classmethod
    def of(cls, **keys: Any) -> EvaluationRecipe:
        """A recipe from its keys, those of its backend included.

        Raises:
            UserError: A key is unknown or has a value of another type, or what `check` finds.
        """
        return build_recipe(cls, keys, "evaluation")

    def check(self) -> None:
        """Refuse what cannot be evaluated, with a sentence."""
        given = [x for x in (self.checkpoint, self.baseline, self.responses) if x is not None]
        if len(given) != 1:
            raise UserError(
                "name one of: a checkpoint, --baseline NAME, or --responses FILE (or --watch RUN, or --rescore DIR)"
            )
        if self.modes is not None:
            check_names("--modes", self.modes, MODES)
        if self.prompts not in PROMPT_SETS:
            raise UserError(f"unknown prompts {self.prompts!r}: use one of {', '.join(PROMPT_SETS)}")
        if self.held_out and self.prompts not in HELD_OUT_OF:
            raise UserError(
                f"--held-out asks once more what {' or '.join(HELD_OUT_OF)} has asked, and --prompts is {self.prompts}"
            )
        check_pixels(self.max_pixels)
        if self.damage is not None:
            if self.damage not in DAMAGES:
                raise UserError(f"unknown damage {self.damage!r}: use one of {', '.join(DAMAGES)}")
            if set(self.modes or DEFAULT_MODES) == {"tqa"}:
                raise UserError(
                    f"damage {self.damage} is done to pictures, and the mode tqa shows none: ask vqa or vtqa"
                )
        check_ranges(self)
        self._check_episodes()
        sampling = self.sampling
        self.parser.check()
        if self.checkpoint is None:
            return
        if self.samples > 1 and sampling.temperature == 0:
            raise UserError(
                f"--samples {self.samples} would give {self.samples} equal answers: add --temperature 0.7, say"
            )
        check_model_spec(self.spec, f"--backend {self.backend}")
        require_backend(self.backend, f"--backend {self.backend}")

    def _check_episodes(self) -> None:
        """Refuse what does not go with turns, and what goes with nothing else."""
        if not self.episodes:
            if self.max_moves != DEFAULT_MOVES or self.probe_every is not None:
                raise UserError("--max-moves and --probe-every go with --episodes only")
            return
        for option, given in (
            ("--responses", self.responses is not None),
            ("--parser", self.parser.name != RULES),
            ("--prompts", self.prompts != "idf-long-1"),
            ("--held-out", self.held_out),
            ("--pictures", self.pictures not in ("auto", "drawn")),
            ("--damage", self.damage is not None),
        ):
            if given:
                raise UserError(
                    f"{option} does not go with --episodes, which have words and pictures of their own and are judged by rules"
                )

    @property
    def sampling(self) -> Sampling:
        """How tokens are chosen."""
        temperature = None if self.temperature == "default" else self.temperature
        return Sampling(self.max_new_tokens, temperature, self.top_p, self.seed)

    @property
    def spec(self) -> ModelSpec:
        """The model that is asked."""
        assert self.checkpoint is not None
        return ModelSpec(self.backend, self.checkpoint, self.sampling, options_of(self, self.backend))

    @property
    def title(self) -> str:
        """A name for tables."""
        if self.responses is not None:
            return Path(self.responses).name
        return self.checkpoint or f"baseline {self.baseline}"

    @property
    def several_processes(self) -> bool:
        """Whether several processes may share the work: each has a model of its own."""
        return self.checkpoint is not None and backend_class(self.backend).in_process


_OF_MODELS = (
    "backend",
    "prompts",
    "held_out",
    "pictures",
    "damage",
    "other_pixels",
    "max_new_tokens",
    "temperature",
    "top_p",
    "seed",
    "whole_hash",
)


def refuse_idle_keys(recipe: EvaluationRecipe) -> None:
    """Refuse keys that mean nothing to a baseline or to stored responses: nobody is asked.

    Raises:
        UserError: There is one; it is named.
    """
    if recipe.checkpoint is not None:
        return
    player = "--responses" if recipe.responses is not None else "--baseline"
    own = EvaluationRecipe.__dataclass_fields__
    for name, known in type(recipe).__dataclass_fields__.items():
        if name in own and name not in _OF_MODELS:
            continue
        default = known.default if known.default_factory is MISSING else known.default_factory()
        if getattr(recipe, name) != default:
            raise UserError(f"{name} means nothing with {player}, which asks nobody: leave it out")
