"""What the sentences of a trace say of states on the way: where, what, and whether something is taken back."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from idf.worlds import ALL, Conventions, Fact, Remark, World

from ._search import read_remarks

ORDINALS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
    "thirteenth",
    "fourteenth",
    "fifteenth",
]
_STEP = re.compile(
    r"\b(before|prior to)?\s*(?:the )?(?:step|roll|turn|move|push|rolls|moves|turns|steps)s?\s*(?:number |no\.? ?"
    r"|#)?\(?(\d{1,3})\b(?!\s?(?:[udlr]\b|up|down|left|right|st\b|nd\b|rd\b|th\b|\w))"
)
_NTH = re.compile(
    rf"\b(before|prior to)?\s*(?:the |this |my )?({'|'.join(ORDINALS)}|\d{{1,2}}(?:st|nd|rd|th)) (?:and last "
    rf"|and final )?(?:step|roll|move|turn|push|quarter turn|one)\b"
)
_AFTER_N = re.compile(
    r"\bafter (?:the first )?(\d{1,2}|one|two|three|four|five|six|seven|eight) (?:steps?|rolls?|moves?|turns?|pushes)\b"
)
_COUNTS = {name: n for n, name in enumerate(["one", "two", "three", "four", "five", "six", "seven", "eight"], 1)}
_START = re.compile(r"\b(?:start(?:s|ing)?|initial(?:ly)?|beginning|originally|at first|to begin with)\b|^given\b")
_END = re.compile(
    r"\bfinal (?:state|position|board|cube|colou?rs|faces|orientation|check|configuration|layout|result|grid|face)"
    r"|^final\b|\bat the (?:very )?end\b|^end\b"
    r"|\bin the end\b|\bafter all\b|\bend (?:state|position)\b|\bthe last state\b|\bafter the (?:last"
    r"|final) (?:step|roll|move|turn|push)\b|\bends? (?:up )?with\b"
)
_TARGET = re.compile(r"^(?:the )?(?:target|goal)\b|\bthe (?:target|goal) (?:is|board|position|state|looks|reads)\b")
_CHECK = re.compile(
    r"\b(?:re-?|double-?|cross-?|sanity )?check(?:s|ed|ing)?\b|\bverif\w+|\bconfirm\w*|\bproof\b|\bproves?\b|✓|✔|✅"
)
_TAKES_BACK = re.compile(
    r"\b(?:wait|actually|correction|mistake|mistaken|wrong|oops|hmm+|hold on|scratch that|redo|re-?do|let me re\w*"
    r"|not right|incorrect\w*|sorry|mixed"
    r"|error|revis\w+|fix\w*|instead|i (?:mis|mixed|swapped|confused)\w*|taken back|back up|start over|do (?:that"
    r"|it) again|again from|corrected|no, |should (?:be|have been)|rather|strike that|on second thought)"
    r"|修正|不对|错"
)
_SUPPOSES = re.compile(
    r"\b(?:if|would|could|suppose|supposing|might|maybe|perhaps|imagine that|were to|unless|whether|either)\b"
)
_PLANS = re.compile(
    r"\b(?:needs?|must|should|wants?|can|cannot|can't|has to|have to|in order|aim|plan to|going to|will|let's|try"
    r"|trying|blocked|possible|option)\b"
)
_MOVES = re.compile(
    r"\b(?:become(?:s)?|becoming|goes|go|moves?|moved|moving|comes|roll(?:s|ing|ed)?|turn(?:s|ing|ed)?|swings"
    r"|carri\w+|cycl\w+|shift\w*|travels?|lands|pushes|push(?:ed|ing)?"
    r"|slid\w*|walks?|rotat\w+|takes?|old|previous\w*|former\w*|from|replac\w+|gets|passes|swap\w*|enters?|leaves"
    r"|brings|sends|ends up)\b|→|->|=>|⇒|←"
)
_SEES = re.compile(
    r"\b(?:hid\w+|behind|near(?:er|est)|closest|visible|alone|in front|see[ns]?|sees|shows?|covers?|covered"
    r"|line of sight|sight)\b"
)
_UNDOES = re.compile(
    r"\b(?:undo\w*|revers\w*|backwards|invers\w*|(?:roll|turn|go|step|play|work)\w* (?:\w+ ){0,4}back (?:once|twice"
    r"|again|one|step|to|through|from))\b"
)
_QUESTION = re.compile(r"\?\s*[\"')*]*$")
_SENTENCE = re.compile(
    r"(?<=[^\d\s][.!?])[\"')*]*\s+(?=\S)|(?<=\d[.!?])\s+(?=[A-Z\"(*]|(?:then|now|next|so|after|the|it|i|box|player"
    r"|this|that|finally)\b)"
)
_NOTHING = re.compile(
    r"\b(?:nothing|no (?:face|square|sticker|block|cube|piece|tile|cell|colou?r|colou?rs|faces|blocks|cubes|box"
    r"|thing)s?|none of (?:the |its |them)?\w*|neither of \w+|nobody)(?: \w+){0,2}? "
    r"(?:moves?|moved|changes?|changed|happens?|happened|rolls?|rolled|turns?|turned|slides?|slid|shifts?"
    r"|has (?:moved|changed|happened)|have (?:moved|changed)"
    r"|is (?:moved|changed|moving|different)|was (?:moved|changed)|ever (?:moves|changes)|at all (?:moves|changes"
    r"|happens))\b"
)
_WHOLE = (
    r"(?:everything|all (?:\w+ ){0,4}?\w+|every (?:face|block|cube|square|piece|colou?r|state|step|sticker|thing)"
    r"|(?:the |this |its |whole |entire )*(?:cube|state|board|structure|colou?rs|faces|room|"
    r"grid|scene|position|configuration|picture|blocks|orientation|arrangement|cubes|puzzle)|it)"
)
_SAME = re.compile(
    rf"\b{_WHOLE} (?:(?:always |simply |just |all |still |exactly |thus |therefore |really )*)"
    r"(?:(?:stays?|remains?|is|are|keeps?|looks?|keep)(?: left| kept| all| exactly| completely| always| still| just)*"
    r" (?:the same|unchanged|as (?:it|they) (?:was|were|is|are)|identical|still(?= ?(?:[.,;)]|$))|put|fixed|unmoved"
    r"|untouched|constant|where (?:it|they) (?:is|are|was|were)|in place|(?:its|their) (?:place|places|colou?rs?))"
    r"|(?:never|do(?:es)? not|doesn['’]t|don['’]t|did not|didn['’]t) (?:ever |really |actually )?(?:move|moves"
    r"|change|changes|roll|rolls)(?= ?(?:at all|anywhere|ever|in any|either|throughout|[.,;!)]|$)))"
)
_EXCEPT = re.compile(
    r"\b(?:else|other|others|rest|remaining|walls?|target|goal|cent(?:er|re)s?|middles?|except|apart from|but|only"
    r"|besides|yet|wherever|as before the|relative|unaffected|untouched faces|not|adjacent)\b"
)
_UNCHANGED = (
    r"(?:both |all |each )?(?:(?:stays?|remains?|do(?:es)? not (?:change|move)|doesn['’]t (?:change|move)"
    r"|don['’]t (?:change|move)|did not (?:change|move)|never (?:changes?|moves?))\b(?! (?:on|at|in) )"
    r"|(?:is|are|keeps?|=|:)(?: (?:both|all|still|exactly|left))*"
    r" (?:the same|unchanged|fixed|where (?:it|they) (?:is|are|was|were)|as (?:it|they) (?:was|were|is|are)"
    r"|as before|in place|untouched|unmoved|same)\b)"
)


@dataclass(frozen=True)
class Statement:
    """One thing that a trace says of a state on the way.

    Attributes:
        at: The line that says it.
        text: That line.
        number: The step that it names; None if it names none.
        action: The action that it names.
        place: "start", "end", "target", "check" or "".
        head: Whether it begins a step, as an item of a list does; else it is prose.
        state: The whole state that it claims, as `World.read_line` reads it.
        facts: What it claims of a state in part.
        moving: Whether it tells a change, so that what it says may hold before the step.
        same: Slots that it says do not change; `ALL` for every one.
        moves: All actions that it tells, in order.
        takes_back: Whether it says that something before was wrong.
        before: Whether it speaks of what was before the step that it names.
        through: Whether it speaks of all steps.
        sees: Whether it says what is seen or hidden.
        counted: Whether it has no number of its own, so that it is the step after the one before it.
        undoes: Whether it goes the way back, past the states on it.
        listed: Whether its number may be that of a list of remarks, which counts no steps.
        remarks: What it says of the search for a plan.
    """

    at: int
    text: str
    number: int | None = None
    action: str | None = None
    place: str = ""
    head: bool = False
    state: Hashable | None = None
    facts: tuple[Fact, ...] = ()
    moving: bool = False
    same: frozenset[Hashable] = frozenset()
    moves: tuple[str, ...] = ()
    takes_back: bool = False
    before: bool = False
    through: bool = False
    sees: bool = False
    listed: bool = False
    undoes: bool = False
    counted: bool = False
    remarks: tuple[Remark, ...] = ()


def sentences(text: str) -> list[str]:
    """The sentences of a line; a number with a full stop ends none."""
    return [part for part in _SENTENCE.split(text) if part and part.strip()]


def clean(text: str) -> str:
    """A text in lower case, less Markdown marks; lines stay lines."""
    for mark, meant in (("**", ""), ("`", ""), ("\u2212", "-"), ("__", ""), ("\\", "")):
        text = text.replace(mark, meant)
    return text.casefold()


def read_sentence(world: World[Any, Any], raw: str, at: int, line: str, conventions: Conventions) -> Statement | None:
    """What one sentence says of a state; None if it says nothing that can be replayed."""
    said = clean(raw)
    takes_back = bool(_TAKES_BACK.search(said))
    if _QUESTION.search(said):
        return Statement(at, line, takes_back=True) if takes_back else None
    remarks = read_remarks(world, said, conventions.first)
    aims = any(remark.kind == "subgoal" for remark in remarks)
    supposes = aims or bool(_SUPPOSES.search(said)) or (world.plans and bool(_PLANS.search(said)))
    back = next((remark.step for remark in remarks if remark.kind == "back"), None)
    number, before = (back, False) if back is not None or remarks else _step_named(world, said)
    place = _place(said)
    facts = () if supposes else tuple(world.read_facts(said, conventions))
    same = frozenset[Hashable]() if supposes else _unchanged(world, said)
    moves = () if supposes else tuple(world.read_moves(said))
    if not (facts or same or moves or takes_back or remarks or number is not None):
        return None
    return Statement(
        at,
        line,
        number=number,
        place=place,
        facts=facts,
        moving=bool(_MOVES.search(_NTH.sub(" ", _STEP.sub(" ", said)))),
        same=same,
        moves=() if remarks else moves,
        takes_back=takes_back,
        before=before,
        sees=bool(_SEES.search(said)),
        undoes=back is None and bool(_UNDOES.search(said)),
        remarks=remarks,
        through=bool(
            re.search(
                r"\b(?:never|always|throughout|at all|ever|every (?:step|roll|move|turn)|whole time|all (?:steps"
                r"|rolls|moves|along))\b",
                said,
            )
        ),
    )


def _step_named(world: World[Any, Any], said: str) -> tuple[int | None, bool]:
    """The number of the step that a sentence names, and whether it speaks of what was before it."""
    counts_blocks = any(action[0].isdigit() for action in world.actions)
    if match := _NTH.search(said):
        word = match[2]
        number = ORDINALS.index(word) + 1 if word in ORDINALS else int(re.sub(r"\D", "", word))
        return (None, False) if said[match.end() - 3 : match.end()] == "one" else (number, bool(match[1]))
    if match := _AFTER_N.search(said):
        return _COUNTS.get(match[1]) or int(match[1]), False
    for match in _STEP.finditer(said):
        if counts_blocks and not re.search(r"\bsteps? ?[#(]?\d", match[0]):
            continue
        return int(match[2]), bool(match[1])
    return None, False


def _place(said: str) -> str:
    if _TARGET.search(said):
        return "target"
    if _END.search(said):
        return "end"
    if _START.search(said):
        return "start"
    return "check" if _CHECK.search(said) else ""


def _unchanged(world: World[Any, Any], said: str) -> frozenset[Hashable]:
    """The slots that a sentence says do not change."""
    for pattern in (_NOTHING, _SAME):
        for match in pattern.finditer(said):
            if not _EXCEPT.search(
                match[0].replace("do not", "").replace("does not", "").replace("did not", "")
            ) and not _EXCEPT.match(said[match.end() :].strip(" ,(")):
                return frozenset((ALL,))
    named, of = _things(world)
    if named is None:
        return frozenset()
    found: set[Hashable] = set()
    for match in named.finditer(said):
        names = re.findall(r"[a-z]+", match[1])
        found.update(slot for name in names for slot in of.get(name, ()))
    return frozenset(found)


@lru_cache(maxsize=32)
def _things(world: World[Any, Any]) -> tuple[re.Pattern[str] | None, dict[str, frozenset[Hashable]]]:
    of = dict(world.things())
    if not of:
        return None, of
    name = rf"(?:the )?(?:{'|'.join(sorted(of, key=len, reverse=True))})(?: faces?| sides?)?"
    return re.compile(rf"(?<![a-z])({name}(?:(?:, and|,| and|/| &|/) ?{name})*) ?{_UNCHANGED}"), of
