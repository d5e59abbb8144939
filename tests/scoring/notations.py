"""The same answer in the many ways in which it may be written down."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from idf.worlds import WORLDS, Problem

WORDS = {"u": "up", "d": "down", "l": "left", "r": "right"}
CHINESE = {"u": "上", "d": "下", "l": "左", "r": "右"}
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
# How a short answer is stated; the answer stands where the braces are.
FRAMES = (
    *("Answer: {}", "**Answer:** {}", "**Answer: {}**", "ANSWER: {}.", "Final answer: {}", "### Final Answer\n\n{}"),
    *("Answer:\n{}", "Answer:\n```\n{}\n```", "\\boxed{{{}}}", "$$\\boxed{{\\text{{{}}}}}$$", "<answer>{}</answer>"),
    *(
        '{{"answer": "{}"}}',
        "The answer is: {}",
        "So the final answer is: **{}**.",
        "答案：{}",
        "Answer\N{FULLWIDTH COLON}{}",
        "The best answer is: {}",
        "**Corrected answer:** {}",
        "Answer (final): {}",
        "Final answer (shortest): {}",
    ),
)


def ways(plan: list[str]) -> list[str]:
    """A plan of Moving Box."""
    runs = [(way, len(list(run))) for way, run in groupby(plan)]
    return [
        " ".join(plan),
        ", ".join(plan).upper(),
        " -> ".join(WORDS[way] for way in plan),
        " → ".join(plan),
        str(plan),
        str([WORDS[way] for way in plan]).replace("'", '"'),
        ", then ".join(f"move {WORDS[way]}" for way in plan),
        ", ".join(f"{WORDS[way]} {n}" for way, n in runs),
        ", ".join(f"{n} {WORDS[way]}" for way, n in runs),
        ", ".join(f"push the box {WORDS[way]} {n} times" for way, n in runs),
        " ".join(f"{way.upper()}{n}" for way, n in runs),
        " ".join(f"{n}{way}" for way, n in runs),
        ", ".join(f"{way} x{n}" for way, n in runs),
        ", ".join(f"({WORDS[way]}, {n})" for way, n in runs),
        "，".join(f"向{CHINESE[way]}{n}次" for way, n in runs),
        "".join(CHINESE[way] for way in plan),
        " ".join(f"{n}. {WORDS[way]}" for n, way in enumerate(plan, 1)),
        f"{' '.join(plan)} ({len(plan)} moves)",
    ]


def blocks(plan: list[str]) -> list[str]:
    """A plan of Wood Slide."""
    runs = [(move, len(list(run))) for move, run in groupby(plan)]
    return [
        " ".join(plan),
        ", ".join(plan).upper(),
        " -> ".join(plan),
        str(plan),
        str(plan).replace("'", '"'),
        "".join(plan),
        ", ".join(f"({move[0]}, {WORDS[move[1]]})" for move in plan),
        ", ".join(f"[{move[0]}, '{move[1]}']" for move in plan),
        ", ".join(f"block {move[0]} {WORDS[move[1]]}" for move in plan),
        "; ".join(f"move block {move[0]} to the {WORDS[move[1]]}" for move in plan),
        ", ".join(f"{move[0]} {WORDS[move[1]]}" for move in plan),
        " ".join(f"{move[0]} {move[1]}" for move in plan),
        ", ".join(f"{move} x{n}" for move, n in runs),
        ", ".join(f"block {move[0]} {WORDS[move[1]]} {n} times" for move, n in runs),
        " ".join(f"{move}{n}" for move, n in runs),
        "，".join(f"{move[0]}号块向{CHINESE[move[1]]}" for move in plan),
        " ".join(f"{n}. {move}" for n, move in enumerate(plan, 1)),
        f"{' '.join(plan)} ({len(plan)} moves)",
    ]


def colour_counts(counts: dict[str, int]) -> list[str]:
    """How many cubes have each colour."""
    total = sum(counts.values())
    pairs = list(counts.items())
    return [
        f"{total} cubes: " + ", ".join(f"{colour} {n}" for colour, n in pairs),
        ", ".join(f"{n} {colour}" for colour, n in pairs),
        " and ".join(f"{n} {colour} cubes" for colour, n in pairs),
        "; ".join(f"{colour}: {n}" for colour, n in reversed(pairs)),
        f"{total} visible cubes ({', '.join(f'{n} {colour}' for colour, n in pairs)})",
        ", ".join(f"{NUMBERS[n]} {colour} cubes" if n < 10 else f"{n} {colour}" for colour, n in pairs),
        ", ".join(f"{colour} x{n}" for colour, n in pairs),
        ", ".join(f"{colour} ({n})" for colour, n in pairs) + f", {total} cubes in total",
        "\n" + "\n".join(f"- {colour.title()}: {n}" for colour, n in pairs) + f"\n- Total: {total}",
    ]


def colour(name: str) -> list[str]:
    """A colour."""
    return [name, name.upper(), name.replace("gray", "grey"), f"the face is {name}", f'"{name}"', f"{name} 🎲"]


def count(number: int) -> list[str]:
    """A number of squares."""
    return [str(number), NUMBERS[number], f"{number} squares", f"there are {NUMBERS[number]} squares", f"({number})"]


def written(of: Problem[Any, Any], answer: Any) -> list[str]:
    """An answer to a problem in all the ways that are known here."""
    kind = WORLDS[of.world].answer_kind(of)
    if kind == "plan":
        return (ways if of.world == "moving_box" else blocks)(list(answer))
    return {"colour": colour, "count": count, "colour_counts": colour_counts}[kind](answer)


def framed(frame: str, text: str) -> str:
    """A written answer as a frame states it; inside JSON, quotes are escaped."""
    return frame.format(text.replace('"', '\\"').replace("\n", "\\n") if frame.startswith("{") else text)
