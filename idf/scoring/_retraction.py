"""What stands below a stated answer: whether it takes the answer back, contradicts it, or corrects it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from idf.answers import IS_ITEM, AnswerKind, tidy

# A sentence that begins so takes back what was stated before
_BEGINS = re.compile(
    r"[\s*_#>(\[-]*(?:(?:no|nope|nah)\b ?[,.!:;—–-]|no[,]? (?:wait|sorry|hold on|that|this)\b|(?:h+m+|oops|whoops|uh|argh|ugh)\b|"
    r"(?:edit|update)\b ?[:—–-]|(?:i am |i'm )?(?:so |very )?sorry\b(?! for the (?:length|delay|long)))"
)
_NOT = r"(?<!\bno )(?<!\bnot )(?<!n't )(?<!\bnever )(?<!\bwithout )(?<!\bany )(?<!\bnothing )(?<!\bnot a )"
# A sentence with one of these does, wherever they stand in it
_TAKES_BACK = re.compile(
    r"\b(?:wait\b|hold on\b|hang on\b|(?:scratch|strike|cancel) that\b|on (?:second|further) (?:thought|reflection|"
    r"look)|correction\b|errat(?:um|a)\b"
    r"|my (?:mistake|bad|error|apologies)\b|apologi[sz]e\b"
    r"|(?:i|we)(?: have|'ve| had)?(?: just)? (?:mis\w{3,}|confused|mixed|swapped|forgot|overlooked|messed|retract|"
    r"withdraw|take (?:that|it|this) back|"
    r"meant|stand corrected|(?:was|were|am) wrong|erred|need to (?:revise|correct|change|redo|reconsider)|"
    r"must (?:revise|correct)|"
    r"(?:made|see|found|noticed?) (?:an?|my|some|the) (?:\w+ ){0,2}(?:mistake|error|slip|miscalculation))"
    r"|(?:i|we) (?:rolled|turned|moved|counted|read|applied|took|did|used|tracked) .{0,40}\b(?:wrong|backwards?|twice|"
    r"incorrectly)\b"
    rf"|{_NOT}(?:wrong|incorrect|mistaken|invalid|illegal|erroneous|infeasible|contradicts?|contradiction|inconsistent|mistake|miscounted|"
    rf"impossible|unreachable|flawed|ruled out|fail|fails|failed|rejected|withdrawn|"
    rf"retracted|discarded|void|superseded|obsolete|outdated)\b"
    r"|(?:replace|change|swap) \w+ (?:by|with|to|for)\b|or (?:is|was|does|should|would|could) |"
    r"(?:correct|valid|is_correct)\W{1,4}(?:false|no)\b"
    r"|(?:cannot|not) (?:(?:quite|be|seem|actually|to|possibly|seems?|look|a) ){0,3}(?:right|correct|valid|legal|"
    r"possible|work|true|allowed|"
    r"solve[sd]?|permitted|the answer|reach(?:es)?|hold|what|(?:my |the )?final answer|my answer)\b"
    r"|(?:ignore|disregard|discard|forget|scrap) (?:that|the|this|my|what|all|everything)\b"
    r"|(?:let me|let's|i will|i'll|i need to|i should) (?:re-?do|re-?try|reconsider|rethink|start (?:over|again)|"
    r"try again|try once|correct|fix|revise|think again)\b"
    r"|kidding\b|or (?:maybe|perhaps|not|rather|possibly)\b|maybe not\b|to be corrected\b"
    r"|chang(?:e|ed|ing) my (?:mind|answer)\b|(?:move|step) \d+ (?:is|was|would be) (?:blocked|impossible)\b"
    r"|which (?:it )?(?:did|does|is|was) not\b|(?:ignores?|overlooks?|forgets?|neglects?|neglected) (?:the|that|a)\b)"
)
_FOREIGN = re.compile(
    r"[❌✗✘🚫]|等等|等一下|不对|错了|出错|有误|更正|修正|纠正|抱歉|对不起|搞错|弄错|算错|其实|实际上应|重新(?:考虑|计算|来)|改为|不正确|行不通|不成立|"
    r"失败|忽略(?:上|之)|看错|数错"
)
# Each of those patterns holds one of these words, or one that begins so: most sentences need no closer look
_CUES = frozenset(
    [
        "no",
        "nope",
        "nah",
        "wait",
        "hold",
        "hang",
        "scratch",
        "strike",
        "cancel",
        "thought",
        "reflection",
        "look",
        "oops",
        "whoops",
        "uh",
        "argh",
        "ugh",
        "correction",
        "erratum",
        "errata",
        "edit",
        "update",
        "mistake",
        "bad",
        "error",
        "apologies",
        "apologize",
        "apologise",
        "sorry",
        "confused",
        "mixed",
        "swapped",
        "forgot",
        "overlooked",
        "messed",
        "retract",
        "withdraw",
        "take",
        "meant",
        "corrected",
        "wrong",
        "erred",
        "need",
        "must",
        "slip",
        "miscalculation",
        "backward",
        "backwards",
        "twice",
        "incorrectly",
        "incorrect",
        "mistaken",
        "invalid",
        "illegal",
        "erroneous",
        "infeasible",
        "contradict",
        "contradicts",
        "contradiction",
        "inconsistent",
        "impossible",
        "unreachable",
        "flawed",
        "ruled",
        "cannot",
        "not",
        "fail",
        "fails",
        "failed",
        "rejected",
        "withdrawn",
        "retracted",
        "discarded",
        "void",
        "superseded",
        "obsolete",
        "outdated",
        "replace",
        "swap",
        "false",
        "ignore",
        "ignores",
        "disregard",
        "discard",
        "forget",
        "forgets",
        "scrap",
        "redo",
        "re",
        "retry",
        "reconsider",
        "rethink",
        "start",
        "try",
        "correct",
        "fix",
        "revise",
        "think",
        "kidding",
        "or",
        "maybe",
        "change",
        "changed",
        "changing",
        "blocked",
        "overlook",
        "overlooks",
        "neglect",
        "neglects",
        "neglected",
    ]
)
_LETTERS = re.compile("[a-z]+")
_LONGEST_CUED = 2000  # a longer sentence with such a word is no longer understood


def takes_back(sentence: str) -> bool:
    """Whether a sentence takes back what was stated before it."""
    said = sentence.lower().replace("’", "'").replace("can't", "cannot").replace("n't", " not")
    if "~~" in said or (not said.isascii() and _FOREIGN.search(said)):
        return True
    words = set(_LETTERS.findall(said))
    if words.isdisjoint(_CUES) and not any(word.startswith(("mis", "hm", "hh")) for word in words):
        return False
    return len(said) > _LONGEST_CUED or bool(_BEGINS.match(said) or _TAKES_BACK.search(said))


# With one of these a sentence takes it back if it names another value
_TURNS = re.compile(
    r"\b(?:actually|instead|rather|alternatively|could|might|should have been|should be|must be|maybe|perhaps|"
    r"possibly|in fact|in reality|"
    r"revised?|correct|corrected|updated|new|true|real)\b|^[\s*_>(\[]*(?:and|plus|also|or|but)\b|应该是|或"
)
# What may stand before a corrected value: discourse, a label, an arrow
_LEAD = re.compile(
    r"^(?:[\s*_#>(\[–—=:,.✅👉-]|->|=>|→|⇒|➡|(?:so|thus|therefore|hence|then|and|but|wait|no|nope|actually|oh|sorry|hmm+|ok|okay|oops|right|well|now|yes|"
    r"in fact|in reality|instead|rather|really|alternatively|i (?:meant|mean)|that means|this means|which means|"
    r"which makes|which gives|meaning|"
    r"(?:i made a|my) (?:mistake|error)|my bad|correction|corrected|edit|update|updated|revised|revision|final|"
    r"finally|new|true|real|right|correct|result|"
    r"the|my|answer|final|solution|plan|moves?|value|colou?r|count|number|it|that|this|is|was|be|should|must|would|will|have|been|then|"
    r"修正后|修正|更正|纠正|应该是|应为|改为|正确|答案|是|为|其实|实际上|所以|因此)(?![a-z])[ ,.:;!：，—–-]{0,4})*"
)
# A label below which working stands: what it names on the way is no statement
_EXPLAINS = re.compile(
    r"^[\s*_#>(-]*(?:explanation|reasoning|reason|verification|verifying|verify|let me|let us|let's|check|checking|"
    r"because|since|proof|working|steps?|trace|"
    r"tracing|justification|why|note|notes|details|simulation|breakdown|here is|here's|how|solution steps|detailed|"
    r"step-by-step|analysis|summary of|"
    r"解释|说明|验证|理由|原因|过程|步骤)(?![a-z])"
)
_CONCLUDES = re.compile(r"\W*(?:(?:so|therefore|thus|hence|final|result|total|count|in total|overall)\b|=>|→|⇒|->)")
_LEGEND = re.compile(r"^\W*(?:where |here |legend:? )?[a-z](?:\W{1,3})(?:=|:|means|is|stands for)\W|^\(")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+|(?<=[。！？；])(?![。！？；])|(?<=;)\s+")
_LONGEST = 300


@dataclass(frozen=True)
class _Sentence:
    """What one sentence says by itself.

    Attributes:
        takes_back: Whether it takes back what was stated before.
        turns: Whether it does so if it names another value.
        value: The value that it states, None if none.
        led: Whether something leads up to that value: "Actually, it is green".
        alone: Whether it is a statement of its own even if nothing does.
        explains: Whether working begins with it.
        text: The sentence, tidy.
        is_label: Whether a corrected value is to follow.
    """

    takes_back: bool
    turns: bool = False
    value: Any | None = None
    led: bool = False
    alone: bool = False
    explains: bool = False
    text: str = ""
    is_label: bool = False


def settle(asked: AnswerKind, answer: Any | None, below: str) -> Any | None:
    """The answer that still stands after everything below it.

    Args:
        asked: What is asked.
        answer: What was read last; None if what was stated could not be read.
        below: Everything below that statement; no statement of a form of its own is in it.

    Returns:
        The answer, the correction of it if there is one that can be read, None if it is taken back or contradicted.
    """
    standing, open_for_more, label, working = answer, False, False, False
    known: dict[str, _Sentence] = {}  # a model that runs in circles says the same without end
    for part in _SENTENCE_END.split(below):
        said = part.strip()
        if not said:
            continue
        if said not in known:
            known[said] = _look_at(asked, said)
        sentence = known[said]
        value, working = sentence.value, working or sentence.explains
        alone = sentence.alone and not working
        if not (sentence.takes_back or open_for_more or label or alone or (sentence.led and sentence.turns)):
            value = None  # part of an explanation
        if sentence.takes_back:
            standing, open_for_more = value if sentence.led else None, True
        elif value is not None and open_for_more:
            standing = value
        elif value is not None and not asked.same(value, standing):
            standing = value if label or (sentence.led and sentence.turns) else None  # else it only contradicts
        elif (
            value is None
            and not working
            and (
                (sentence.turns and _another(asked, standing, sentence.text))
                or asked.is_contradicted(sentence.text, standing)
            )
        ):
            standing, open_for_more = None, True
        label = sentence.is_label
        if label:
            standing, open_for_more = None, True
    return standing


def _look_at(asked: AnswerKind, said: str) -> _Sentence:
    back = takes_back(said)
    if len(said) > _LONGEST:
        return _Sentence(back)
    text = tidy(said)
    turns = bool(_TURNS.search(text))
    value, led = _value_of(asked, said, text)
    if value is not None and not turns and asked.may_be_prose(text, value):
        value = None
    stands_alone = asked.names_value_alone(text) or (led and bool(_CONCLUDES.match(text)))
    return _Sentence(
        back,
        turns,
        value,
        led,
        stands_alone and not IS_ITEM.match(said) and not _LEGEND.match(text),
        bool(_EXPLAINS.match(text)),
        text,
        turns and said.endswith((":", "：")),
    )


def _value_of(asked: AnswerKind, said: str, text: str) -> tuple[Any | None, bool]:
    """The value that a sentence states, and whether something leads up to it: "Actually, it is green"."""
    if not asked.may_be_bare(text):
        return None, False
    lead = _LEAD.match(said.lower())
    begin = lead.end() if lead else 0
    rest = said[begin:].strip(" *_)]")
    value = asked.read(rest) if rest and begin else None
    if value is not None:
        return value, True
    if (whole := asked.read(said)) is not None:
        return whole, False
    clauses = re.split(r"[;,:] |—|–| - ", said)
    if len(clauses) > 1 and (value := asked.read(_LEAD.sub("", clauses[-1].lower()))) is not None:
        return value, takes_back(said) or bool(_TURNS.search(text))
    return None, False


def _another(asked: AnswerKind, standing: Any | None, text: str) -> bool:
    """Whether a sentence names a value other than the one that stands."""
    return standing is None or asked.names_another(text, standing)
