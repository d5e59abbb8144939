"""Padding and loops: text that says nothing, or the same again and again."""

from __future__ import annotations

import re
from collections import Counter
from itertools import groupby

from idf.scoring import Reading, final_answer

_THINK_BLOCK = re.compile(r"<think>.*?</think>", re.DOTALL)
_SENTENCE_END = re.compile(r"(?<=[a-z)][.!?])\s+")  # not after a digit: "3. right" is one step
_MOST_IN_A_ROW = {"character": 40, "word": 12, "blank line": 4, "blank": 50}  # a Rubik's face repeats a word nine times
_NGRAM = 8
_TWICE = 2  # thinking may work it out, and the answer may say it again
_FEWEST = 24  # repeated words below this are no loop, whatever their share


def find_padding(response: str) -> str | None:
    """What is said after the answer, or what fills space; None if there is no such thing."""
    visible = _THINK_BLOCK.sub("\n", response).splitlines()
    answers = [at for at, line in enumerate(visible) if final_answer(line) is not None]
    if final_answer(response.rpartition("</think>")[2]) is None:
        return "it thinks on after the answer line"
    after = " ".join(visible[answers[0] + 1 :])
    if re.search(r"\w", after):
        return f"{len(after.split())} words after the first answer line"
    if run := re.search(rf"(\S)\1{{{_MOST_IN_A_ROW['character']},}}", response):
        return f"the character {run[1]!r} {len(run[0])} times in a row"
    if re.search(rf"[^\S\n]{{{_MOST_IN_A_ROW['blank'] + 1},}}", response):
        return f"more than {_MOST_IN_A_ROW['blank']} blanks in a row"
    for word, run_of in groupby(re.findall(r"\w+", response.casefold())):
        # A state may well be a row of equal digits.
        if not word.isdigit() and (n := len(list(run_of))) > _MOST_IN_A_ROW["word"]:
            return f"the word {word!r} {n} times in a row"
    for blank, lines in groupby(response.splitlines(), lambda line: not line.strip()):
        if blank and (n := len(list(lines))) > _MOST_IN_A_ROW["blank line"]:
            return f"{n} blank lines in a row"
    return None


def find_loop(reading: Reading, most_repeated: float) -> str | None:
    """What a trace says for the third time and more, if that is more than a share of it; else None.

    Sentences are compared whole, prose by runs of eight words as well; states are not prose: a cube with a face that
    stays as it was shows the same nine words after every turn.

    Args:
        reading: The trace.
        most_repeated: The largest share of words that may be said so.
    """
    total, repeated = 0, 0
    sentences: Counter[tuple[str, ...]] = Counter()
    prose: list[str] = []
    new: list[bool] = []  # for each word of prose, whether its sentence is not repeated already
    for line, is_state in _blocks(reading):
        for sentence in [line.casefold()] if is_state else _SENTENCE_END.split(line.casefold()):
            words = tuple(re.findall(r"-?\w+", sentence))
            total += len(words)
            again = len(words) >= 3 and sentences[words] >= _TWICE
            sentences[words] += 1
            repeated += len(words) if again else 0
            if not is_state:
                prose += words
                new += [not again] * len(words)
    grams: Counter[tuple[str, ...]] = Counter()
    seen_to = 0
    for at in range(len(prose) - _NGRAM + 1):
        gram = tuple(prose[at : at + _NGRAM])
        if grams[gram] >= _TWICE:
            repeated += sum(new[max(at, seen_to) : at + _NGRAM])
            seen_to = at + _NGRAM
        grams[gram] += 1
    if repeated >= _FEWEST and repeated > most_repeated * total:
        return f"{repeated} of {total} words are said for the third time or more"
    return None


def _blocks(reading: Reading) -> list[tuple[str, bool]]:
    """The lines of a trace, those that state one step together as one; and whether they state anything."""
    blocks: list[tuple[str, bool]] = []
    before: int | None = None
    for line, claim, stated in zip(reading.lines, reading.claim_of, reading.stated, strict=True):
        if claim is not None and claim == before:
            blocks[-1] = f"{blocks[-1][0]} {line}", True
        else:
            blocks.append((line, stated))
        before = claim
    return blocks
