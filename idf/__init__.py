"""idf: the Imagery-Driven Framework, teaching vision-language models to imagine space (arXiv 2511.13782).

    import idf

    problem = idf.problem("cube_rolling", seed=1)
    print(problem.text)  # what a model is asked; problem.picture() is what it is shown
    print(idf.score(problem, "The top is red. Answer: red"))

Nothing is imported before it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._facade import Problem, problem, reward, score
    from .scoring import Reward, RewardRule, Verdict

    __version__: str

__all__ = ["Problem", "Reward", "RewardRule", "Verdict", "problem", "reward", "score"]


def __getattr__(name: str) -> Any:
    """The facade and the version, when they are first used."""
    if name == "__version__":
        from .version import VERSION

        return VERSION
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import _facade

    return getattr(_facade, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
