"""Writes bench/results/env_speed.json: steps of an episode a CPU-second, without resets and pictures.

`.venv/bin/python bench/env_speed.py [--episodes 60] [--seconds 2] [--rounds 5] [--out FILE]`. The oracle's replies are made
before; what is timed is `Episode.step` alone, answers and observations in words included. Each reply comes once in the form that
is asked for, and once inside of prose, which has to be read. One process, one core; the medians of the rounds count.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

from machine import command, machine

from idf.env import Episode, Oracle, episodes
from idf.worlds import DIFFICULTIES, WORLDS

PROSE = "I have thought about this turn.\nSo here is what I say.\n\n**"
FORMS = ("as asked", "in prose")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--episodes", type=int, default=60, help="of each world, all difficulties (default: %(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=2, help="CPU-seconds of a measurement (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="the medians count (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    arguments = parser.parse_args()
    played = {world: _played(world, arguments.episodes) for world in WORLDS}
    found: dict[str, dict[str, list[float]]] = {world: {form: [] for form in FORMS} for world in WORLDS}
    for turn in range(arguments.rounds):
        for world, script in played.items():
            for form in FORMS:
                found[world][form].append(_steps_a_second(script, form, arguments.seconds))
            print(turn, world, {form: round(rates[-1]) for form, rates in found[world].items()}, flush=True)
    told = {
        "command": command(),
        "machine": machine(),
        "episodes": arguments.episodes,
        "steps": {world: sum(len(replies) for _, replies in script) for world, script in played.items()},
        "steps_a_cpu_second": {
            world: {form: round(median(rates)) for form, rates in forms.items()} for world, forms in found.items()
        },
        "lowest_and_highest": {
            world: {form: [round(min(rates)), round(max(rates))] for form, rates in forms.items()}
            for world, forms in found.items()
        },
    }
    if arguments.out:
        arguments.out.write_text(json.dumps(told, indent=2) + "\n")


def table(told: dict[str, Any]) -> str:
    """The rates as a table, in thousands of steps a CPU-second."""
    lines = [f"| world | {' | '.join(FORMS)} |", "| --- |" + " ---: |" * len(FORMS)]
    for world, rates in told["steps_a_cpu_second"].items():
        lines.append(f"| `{world}` | {' | '.join(f'{rates[form] / 1000:.1f} k' for form in FORMS)} |")
    return "\n".join(lines)


def _played(world: str, number: int) -> list[tuple[Episode, list[str]]]:
    """Episodes of all difficulties, with the oracle's replies."""
    script: list[tuple[Episode, list[str]]] = []
    for difficulty in DIFFICULTIES:
        for episode in episodes(world, difficulty, "eval", 0, number // len(DIFFICULTIES)):
            episode.reset()
            oracle, replies = Oracle(episode), list[str]()
            while not episode.done:
                replies.append(oracle.reply())
                episode.step(replies[-1])
            script.append((episode, replies))
    return script


def _steps_a_second(script: list[tuple[Episode, list[str]]], form: str, seconds: float) -> float:
    spent, steps = 0.0, 0
    replies_of: list[list[str]] = [
        replies if form == "as asked" else [f"{PROSE}{reply}" for reply in replies] for _, replies in script
    ]
    while spent < seconds:
        for episode, _ in script:
            episode.reset()
        begin = process_time()
        for (episode, _), replies in zip(script, replies_of, strict=True):
            for reply in replies:
                episode.step(reply)
        spent += process_time() - begin
        steps += sum(map(len, replies_of))
        assert all(episode.end in ("solved", "answered") and not episode.information["error"] for episode, _ in script)
    return steps / spent


if __name__ == "__main__":
    main()
