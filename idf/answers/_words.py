"""Words that every kind of answer knows: of doubt, of numbers, of places, of remarks that change nothing."""

from __future__ import annotations

import re
from collections.abc import Collection

LONGEST_VALUE = 500
"""Characters; a longer "answer" that names a colour or a number is prose."""
NUMBER_WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
WORD = re.compile(r"[a-z]+")
_TOKEN = re.compile(r"[^\W\d_]+|\d+(?:[.,/]\d+)*|[^\w\s]|_")
# A number, with what makes it another number: a sign, a fraction, a share, letters that it is part of.
_NUMBER = re.compile(r"(?<![\w.])[-−~≈<>]?\d+(?:[.,/⁄]\d+)*(?: ?[-/*^+] ?\d+)?[%+]?(?![\w])")

PLACES = {
    **{word: word for word in ("top", "bottom", "left", "right", "front", "back", "middle")},
    **{"up": "top", "upper": "top", "topmost": "top", "down": "bottom", "lower": "bottom", "bottommost": "bottom"},
    **{"upward": "top", "downward": "bottom", "leftmost": "left", "rightmost": "right", "rear": "back"},
    **{"center": "middle", "centre": "middle", "central": "middle"},
}
"""Words for sides and places -> one word for each place."""

# Words that may stand around any value: "the answer should be ...", "at the end it is ...".
_AROUND_WORDS = """
    a according all also an and answer any are as at based be becomes been being believe both by can clearly
    completed completing conclude correct
    definitely end ending ended ends exactly final finally following for found from given guess has have hence i in indeed is it
    its likely my now obviously of on our perspective performing position probably result resulting s see seen sequence shall
    should show showing shown shows simply so still surely that the then there therefore these this thus to total view viewed
    viewer viewpoint visible we will with would you your looking look re ll viewing
"""
AROUND = frozenset(_AROUND_WORDS.split())
_END_WORDS = """
    after all along applying both complete completing cube doing entire every executing final finishing following full given
    last making move moves moving path performing roll rolled rolling rolls rotation rotations sequence shown specified steps
    taking the these this those turn turned turning turns whole
"""
AFTER_ALL = frozenset(_END_WORDS.split())
"""Words of "after all rolls": every one of them may stand in a sentence on the end."""

# Words that may stand in a remark behind the value, which changes nothing of it.
_REMARK_WORDS = """
    a above all also an and are as at be because becomes been beginning behind being below beneath block blocked blocks
    box by came capital color colour column columns come comes coming corner corners cover covered covers cube cubes
    does each edge edges end ended ending ends face faced faces facing final finally for from front goal goes had has
    have hence here hidden hides i in indicate indicates initial initially into invisible is it its last layer letter
    letters line lower lowercase mark means move moved moves moving now obscured occluded of on one ones onto original
    originally others part player position positions push pushed pushes pushing reaches rest right roll rolled rolling
    rolls row rows same seen shown shows side sides since so square squares start started starting starts stay stayed
    stays still target that the their them then there therefore these they this those to top total toward towards turn
    turned turns twice under underneath up upper uppercase us view viewer visible was we went were where which will with
    you your
"""
_REMARK = frozenset(_REMARK_WORDS.split())
_NOT_SEEN = re.compile(
    r"\b(?:is|are|was|were|be|can|could)?(?: not|n't|not) (?:\w+ )?(?:visible|seen|counted|included|shown)\b"
)
_AFTER_THEM_ALL = re.compile(
    r"\bafter (?:all|the last|the final|completing|every)(?: of)?(?: the)?(?: \d{1,2})? (?:rolls?|moves?|turns?|"
    r"steps?|path|sequence)\b"
)
_TIME = frozenset(("start", "beginning", "initial", "initially", "original", "originally", "starting"))
_WHOSE = frozenset(
    (
        "face",
        "it",
        "cube",
        "side",
        "was",
        "which",
        "that",
        "came",
        "comes",
        "moved",
        "started",
        "square",
        "colour",
        "color",
    )
)
_SIGNS_OF_NO = frozenset("❌✗✘✖❎🚫⛔👎🤔🤷❓❔⁉🙅")
_SIGNS = frozenset(".,:;!'\"()[]{}<>|*=-–—→/•·“”‘’。，、：；！（）")
COLOUR_SIGNS = {
    "🟥": "red",
    "🔴": "red",
    "🟨": "yellow",
    "🟡": "yellow",
    "🟦": "blue",
    "🔵": "blue",
    "🟩": "green",
    "🟢": "green",
}
COLOUR_SIGNS |= {"🟧": "orange", "🟠": "orange", "⬛": "black", "⚫": "black", "🖤": "black"}
# A concluding sentence with one of these speaks of a state on the way.
_ON_THE_WAY = re.compile(
    r"\b(?:step|before|when|while|initially|originally|first|second|third|fourth|fifth|next|start|starts|starting|began|begins|"
    r"beginning|was|were|if|halfway|until|previously|earlier)\b"
    r"|(?<!last )(?<!final )\b(?:roll|move|turn)\b(?! sequence)"
    r"|\bafter (?:(?:roll|step|move|turn|the|it|rolling|moving|to|number|a|cube|rolls|going|turning) ){0,4}"
    r"(?:\d|right|left|front|back|[udlrfb][23]?\b)"
)
# Words that may stand between "the answer is" and a colour or a number
_WORDS_BEFORE = """
    a again are at b back be best bottom c center centre clearly color colour cube d definitely down e either end exactly f face
    faces final front in indeed is it its left likely light dark bright maybe middle most must neither nor not now number of on
    option or probably right s should show shows side simply small square squares start still that the there therefore this
    thus to top total up will would
"""
BEFORE_A_VALUE = frozenset(_WORDS_BEFORE.split())


def tokens(text: str) -> list[str]:
    """Every word, number and sign of a tidy text: nothing but blanks is passed over."""
    return _TOKEN.findall(text)


def is_mark(token: str) -> bool:
    """Whether a token is a sign that says nothing: punctuation, or a picture that neither negates nor doubts."""
    return token in _SIGNS or (
        ord(token[0]) > 0x2000 and not token[0].isalnum() and token not in _SIGNS_OF_NO | {"≈", "≠", "≥", "≤"}
    )


def named_numbers(text: str) -> set[str]:
    """The numbers that a text names, in digits; a number word counts as its number."""
    words = {word for word in WORD.findall(text) if word in NUMBER_WORDS}
    return set(_NUMBER.findall(text)) | {str(NUMBER_WORDS.index(word)) for word in words}


def places_in(text: str) -> set[str]:
    """The places that a tidy text names."""
    return {PLACES[word] for word in WORD.findall(text) if word in PLACES}


_ENDS = re.compile(
    r"\b(?:at|in|by) the (?:very )?end\b|\bfinal(?:ly)?\b|\bafter\b|\bends? up\b|"
    r"\bwill (?:(?:then|therefore|thus|now|finally) )?(?:be|show|have|contain)\b|"
    r"\bnumber of\b|\btotal\b"
)


def without_number_of_moves(text: str) -> str:
    """A tidy text in which "after all 8 rolls" is "after all rolls": how many there were is no answer."""
    return _AFTER_THEM_ALL.sub("after all rolls", text)


def says_it_is_the_end(text: str) -> bool:
    """Whether a tidy sentence says that it speaks of the end: "at the end", "after all rolls", "will be"."""
    return bool(_ENDS.search(text))


def speaks_of_the_end(text: str) -> bool:
    """Whether a tidy sentence speaks of no state on the way."""
    return not _ON_THE_WAY.search(text)


def is_remark(text: str, also: Collection[str] = ()) -> bool:
    """Whether a tidy remark changes nothing of the value before it: "it was at the back", "the green cube is hidden"."""
    said = _AFTER_THEM_ALL.sub(" end ", _NOT_SEEN.sub(" hidden ", text))
    words = set(WORD.findall(said))
    if not words <= _REMARK | set(also) | set(PLACES) | set(NUMBER_WORDS) | {"s"}:
        return False
    if any(not (token in _SIGNS or token[0].isalnum()) for token in tokens(said)):
        return False
    return words.isdisjoint(_TIME) or not words.isdisjoint(_WHOSE)
