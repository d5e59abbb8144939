"""Where a response states its final answer; `docs/scoring.md` lists the forms.

Firm ones are made to be the answer: an answer line, a box, an answer tag, the key "answer" of a JSON object. Loose ones
may also be prose: what is below a heading, "the answer is ...", a line "Final moves: ...", a concluding sentence, a
response that is nothing but an answer. A loose one counts only if it can be read.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from idf.answers import IS_ITEM, LONGEST, json_value, unwrapped

from ._text_below import UNREADABLE, text_below

# What may stand before a label: Markdown, quotes, brackets, a number, a sign
_MARKS = r"[ \t\u3000*_`#>\-•–—:.✅☑✔🎯👉🏁➡=|\"'\[({\\$]{0,24}(?:\d{1,2}[.)][ *_]{0,4})?"
_SAYS_SOMETHING = r"(?=[^\w\n]{0,60}\w)"  # a line of blanks or marks costs no more time
_CLOSE = r"[\s*_`\"')\]}]{0,10}"  # between a label and its colon
_COLON = r"(?::|\uff1a|=|->|→| [-–—] )"
_HOW = r"(?:final|correct|right|revised|corrected|updated|new|true|actual|real|best|overall|ultimate|amended|fixed)"
# What may stand in brackets behind a label: which form, which version, how many moves
_NOTE = (
    r"(?: {0,3}[(\[](?:final|letters?|moves?|colou?rs?|number|count|plan|sequence|shortest|optimal|short|revised|"
    r"corrected|updated|new|"
    r"(?:in |total:? )?\d{1,3} (?:moves?|steps?|actions?|cubes?|pushes)(?: in total| total)?)[)\]]|"
    r",? in \d{1,3} (?:moves|steps))?"
)
_LABEL = (
    r"(?:(?:so|thus|hence|therefore|and|actually|sorry|oops)[, ]{1,3})?(?:(?:the|my|our|your) {1,5})?"
    rf"(?:{_HOW} {{1,5}}){{0,3}}ans(?:wer)?{_NOTE}(?: {{1,3}}to the (?:question|problem|puzzle))?{_NOTE}"
)
_ANSWER_LINE = re.compile(
    rf"^{_SAYS_SOMETHING}{_MARKS}(?:{_LABEL}(?:{_CLOSE}(?:is|are))?|(?:最终|最后)?(?:的)?答案(?:是|为)?){_CLOSE}{_COLON}(?P<text>[^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)
_HEADING = re.compile(
    r"^[^\S\n]{0,20}(?:#{1,6} ?|\*{2}|__)[*_ ]{0,4}(?:[✅🎯👉🏁💡] ?)?(?:(?:the )?(?:final|correct|revised|corrected|updated|"
    r"complete|full|optimal|shortest) "
    r"(?:answer|solution|plan|moves|sequence|move sequence|action sequence|sequence of moves|result)|answer|solution|"
    r"(?:action|move|movement) sequence|sequence of (?:moves|actions)|最终答案|"
    r"答案)[*_ .]{0,6}$",
    re.IGNORECASE | re.MULTILINE,
)
_LATE_LINE = re.compile(
    r"(?:(?<=[.!?)。])[^\S\n]{1,5}|\*\*)(?:The {1,3}|My {1,3})?(?:(?:Final|FINAL|final|Correct|Corrected|Revised|New|"
    r"Updated|corrected|"
    r"revised|new|correct) {1,3})?(?:Answer|ANSWER|answer)"
    rf"(?: \((?:revised|corrected|updated|final|new)\))?(?: is)?{_CLOSE}[:\uff1a](?P<text>[^\n]*)$|(?:最终|最后)?答案(?:是|"
    rf"为)?{_CLOSE}[:\uff1a](?P<chinese>[^\n]*)$",
    re.MULTILINE,
)
_SENTENCE = re.compile(
    rf"(?:\b(?:(?:the|my|our) {{1,3}}(?:{_HOW} {{1,3}}){{0,3}}|{_HOW} {{1,3}}|^)answer(?: {{1,3}}to {{1,3}}(?:the|"
    rf"this|your) {{1,3}}"
    r"(?:question|problem|puzzle))?[*_]{0,3}(?: {1,3}(?:then |now |thus |therefore )?(?:is|would be|would then be|"
    r"will be|should be|must be|becomes)"
    r"|['\u2019]s)\b|答案(?:就|应该)?[是为]"
    r"|\bthe {1,3}solution {1,3}is\b|\b(?:the|my|our) {1,3}(?:(?:final|correct|right|shortest|optimal|complete|full|"
    r"required|new|revised|corrected|updated) {1,3}){1,3}(?:move |action )?"
    r"(?:sequence|solution|plan|path|moves|moves? sequence|sequence of moves|steps)(?: of (?:moves|actions|"
    r"steps))? {1,3}(?:is|are)\b(?: {1,3}(?:therefore|thus|hence|then|now|so)\b)?"
    r"|\bthe {1,3}(?:move|movement|action) sequence(?: (?:of|for) the (?:player|character|person|blocks))? {1,3}is\b"
    r"|\b(?:one|a|the) {1,3}(?:valid|possible|working|suitable|successful) {1,3}(?:move |action )?"
    r"(?:sequence|plan|solution) {1,3}is\b"
    r"|\bthe {1,3}(?:sequence|plan) that works {1,3}is\b"
    r"|\bthe {1,3}(?:moves|steps|actions)(?: needed| required)? {1,3}are ?(?=:))"
    r"[ *_]{0,4}[:\uff1a,]?",
    re.IGNORECASE | re.MULTILINE,
)
_LABELLED = re.compile(
    rf"^{_SAYS_SOMETHING}{_MARKS}(?:(?:so|thus|hence|therefore)[, ]{{1,3}})?(?:(?:the|my|our) )?(?:"
    r"(?:(?:final|complete|full|correct|shortest|optimal|revised|corrected|updated|new) ){1,3}(?:solution|result|plan|"
    r"moves?|actions?|path|steps?|count|counts|"
    r"colou?r|(?:move|action) (?:sequence|list)|(?:sequence|list)(?: of (?:moves|actions|steps))?)|solution|"
    r"(?:(?:required|needed|fixed|whole|entire) )?(?:action|move|movement|moving) (?:sequence|list)"
    r"(?: of (?:moves|actions|steps))?"
    r"(?: (?:of|for) the (?:player|character|person|blocks))?|(?:fixed )?sequence|final|"
    r"total(?: visible)?(?: cubes)?(?![\"'])|summary|conclusion|"
    r"(?:total )?number of (?:small )?(?:1 ?[x×*] ?1 )?(?:[a-z]{3,6} )?(?:squares|stickers|tiles|panels)|"
    r"(?:here(?:['\u2019]s| is| are)|one|this) (?:[\w-]{1,20} ){0,4}(?:sequence|plan|solution|moves|steps)(?: [\w-]{1,20}){0,6}|"
    r"(?=[玩角的最移动操行])(?:玩家|角色)?(?:的)?(?:最终(?:的)?)?(?:移动|动作|操作|行动)(?:序列|步骤|顺序|方案)(?:是|为|如下)?|"
    r"最终(?:的)?(?:移动|动作)?(?:结果|动作|移动|步骤|序列)(?:是|为)?"
    rf"){_NOTE}{_CLOSE}(?:is|are)?{_CLOSE}[:\uff1a](?P<text>[^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)
_CONCLUSION = re.compile(
    r"^[*_#> ]{0,8}(?:(?:so|thus|therefore|hence|finally|consequently|in conclusion|in summary|to conclude|in total|overall|"
    r"altogether|all in all|in all|to sum up|to summari[sz]e|as a result)\b|"
    r"(?:因此|所以|综上所述|综上|最终|最后|故))[, :，：]{0,3}(?P<text>.+)$",
    re.IGNORECASE | re.DOTALL,
)
# "The front layer does not move at all, therefore the square is still blue."
_CONCLUDED_LATE = re.compile(
    r"[,;] (?:and )?(?:so|thus|therefore|hence|consequently),? (?P<text>[^,;]+)$", re.IGNORECASE
)
_TOTAL = re.compile(
    r"\btotal of \**\d{1,2}\**|\bcan see \**\d{1,2}\**|\b\d{1,2}\** (?:fully )?visible cubes|\bsee \d{1,2} cubes|"
    r"\b\d{1,2}\** cubes? (?:are|is|can be) (?:fully )?(?:visible|seen)|共(?:有)?\s*\d{1,2}\s*个|\d{1,2}\s*个立方体",
    re.IGNORECASE,
)
_ANSWER_TABLE = re.compile(
    r"^[^\S\n]{0,9}(?P<head>\|[^\n]{0,300}\banswer\b[^\n]{0,300}\|)[^\S\n]{0,9}\n[^\S\n]{0,9}\|[ |:-]{1,300}\|[^\S\n]{0,9}\n"
    r"[^\S\n]{0,9}(?P<row>\|[^\n]{1,600}\|)[^\S\n]{0,9}(?=\n[^\S\n]{0,9}\n|\n?\Z|\n[^|\s])",
    re.IGNORECASE | re.MULTILINE,
)
_BOX = re.compile(r"\\(?:f?boxed) ?\{|<\|begin_of_box\|>")
_TAGGED = re.compile(r"<(?:final_?)?answer>", re.IGNORECASE)
_TAG_END = re.compile(r"</(?:final_?)?answer>", re.IGNORECASE)
_KEY = re.compile(r"[\"'](?:final[_ ]?)?answer[\"'] ?: ?", re.IGNORECASE)
# What stands behind "the answer is" if it states nothing
_NO_STATEMENT = re.compile(r"^ ?(?:not|neither|wrong|incorrect)\b|\b(?:if|unless)\b", re.IGNORECASE)
# What may stand before it then: nothing else commits to it
_COMMITS = re.compile(
    r"(?:^|[.!?。,;:，]\s*)[*_#>\s]*(?:所以|因此|那么|综上|故)?[,，]?(?:(?:so|thus|hence|therefore|and|but|then|now|finally|"
    r"consequently|overall|okay|ok|yes|well|in conclusion|"
    r"in summary|as a result|actually|no|wait|oh no|sorry|because of this|for this reason|accordingly|ultimately|"
    r"likewise|this means(?: that)?|"
    r"which means(?: that)?|it follows(?: that)?|we (?:can )?(?:see|conclude|find|get)(?: that)?|"
    r"i(?:['\u2019]m (?:\w+ )?(?:sure|certain|confident)| (?:can )?(?:conclude|think|believe|am (?:\w+ )?(?:sure|"
    r"certain|confident|positive)|find|would say|get))"
    r"(?: that)?|meaning|giving|so that|in the end|at the end|in short|once more|here|for the (?:question|puzzle)|"
    r"to (?:sum up|summarize|conclude)|"
    r"based on (?:this|these|the above)[^,.]{0,40}|given (?:this|the above)|after [^,.]{1,60})[,:，]?\s+){0,3}$",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(?:if|unless|suppose|supposing|assuming|whether|check|verify|initially|originally|previously|mistakenly|wrongly|example|format|e\.g|"
    r"tempting|doubt|nor|false|guess that|claims?|says|said|hint|suggests?|thinks?(?<!i think)|might|some)\b"
    r"|\bat first\b|\bthought (?:that )?$|\bwhat (?:that )?$"
    r"|(?:\bnot|n['\u2019]t|\bnever) (?:(?:think|believe|say|mean|sure|certain|clear|know) )?(?:that )?$",
    re.IGNORECASE,
)
_OR_ELSE = re.compile(r"(?:\}|<\|end_of_box\|>)[\s$*)\\]{0,6}(?:\?|/|or\b|或)", re.IGNORECASE)  # behind a box
_NOT_BOXED = re.compile(
    r"(?:(?:\bnot|n['\u2019]t|\bnor|\bor|\bnever|\bneither|\bwithout|\bexcept|\bthan|\binstead of|\bunlike|"
    r"\bbut) {0,2}(?:the |be )?"
    r"|\b(?:exclud\w*|rul\w+ out|reject\w*|discard\w*|eliminat\w*|avoid\w*|if|unless|whether|suppose|assum\w+|example|"
    r"format|maybe|perhaps|possibly|"
    r"doubt|wrong\w*|might|could|cannot|can't|initially|previously)\b[^.\n]{0,40})[$\\([*]{0,4}$"
    r"|\\(?:x?cancel|b?cancel|sout|st)\{[$ ]{0,3}$",
    re.IGNORECASE,
)
# What may come after the value of a JSON key
_ENDS_ENTRY = re.compile(r"\s{0,99}(?:[,}\]]|```|\Z)")
_ENDS_JSON_LINE = re.compile(
    r"[ \t*_`$.,}]{0,20}(?:\Z|\n(?!\s{0,9}[\[{]))"
)  # not if another value follows: it would be a part
_PART = re.compile(r"\d|\b(?:one|two|three|four|five|six)\b", re.IGNORECASE)
_BOLD = re.compile(r"^[ \t]{0,8}\*\*(?P<text>[^*\n]{1,200})\*\*[.]?[ \t]{0,8}$", re.MULTILINE)
_LOOSE_REACH = 200_000  # characters
_MOST_PLACES = 64  # of one form; only the last ones can be the final answer


@dataclass(frozen=True)
class Stated:
    """One place where a response states an answer.

    Attributes:
        form: "line", "box", "tag", "json", "table", "heading", "sentence", "label", "conclusion", "bold" (a line that is
            nothing else), "last" (the last sentence, in which the question may be answered in its own words) or "bare".
        text: What is stated, as it is written.
        below: The paragraph or list right below, which may be part of it.
        begin: Where it begins in the visible text.
        end: Where it ends there.
        apart: Whether a blank line stands before what is below.
        below_end: Where what is below ends in the visible text.
        closed: Whether something marks its end, so that a response that is cut off there has stated it in full.
    """

    form: str
    text: str
    below: str
    begin: int
    end: int
    closed: bool = False
    apart: bool = False
    below_end: int = 0

    @property
    def firm(self) -> bool:
        """Whether it is made to be the final answer, readable or not."""
        return self.form in ("line", "box", "tag", "json")


def stated_answers(text: str) -> list[Stated]:
    """The last places of a visible text that state an answer, in the order of their beginnings.

    A loose form within a firm one is part of it.
    """
    firm = [*_boxes(text), *_tags(text), *_keys(text), *_lines(text)]
    loose = [*_headings(text), *_sentences(text), *_labels(text)]
    if table := _table(text):
        loose.append(table)
    if not firm:
        ends = (
            _bare(text),
            _last_list(text),
            _last_table(text),
            _conclusion(text),
            _bold_line(text),
        )
        loose += [stated for stated in ends if stated]
    spans = [(stated.begin, stated.end) for stated in firm]
    loose = [stated for stated in loose if not any(begin <= stated.begin < end for begin, end in spans)]
    return sorted([*firm, *loose], key=lambda stated: (stated.begin, stated.end))


def _last(pattern: re.Pattern[str], text: str, begin: int = 0) -> list[re.Match[str]]:
    """The last matches of a pattern: time stays in proportion to the length of the text."""
    return list(deque(pattern.finditer(text, begin), maxlen=_MOST_PLACES))


def _reach(text: str) -> int:
    """Where loose forms begin to count: what is said so long before the end, with nothing that marks it, concludes nothing."""
    return max(0, len(text) - _LOOSE_REACH)


# --- firm forms ---------------------------------------------------------------------------------------------------


def _lines(text: str) -> Iterator[Stated]:
    """Answer lines; if nothing stands behind the colon, what is below counts."""
    ends: set[int] = set()
    for match in _last(_ANSWER_LINE, text):
        ends.add(match.end())
        yield _from_line(text, "line", match.start(), match.start("text"), match.end())
    for match in _last(_LATE_LINE, text):
        if match.end() not in ends:
            at = match.start("chinese" if match["text"] is None else "text")
            yield _from_line(text, "line", match.start(), at, match.end())


def _from_line(text: str, form: str, begin: int, at: int, end: int) -> Stated:
    """A statement whose text begins on a line: a JSON value, the rest of the line, or what is below."""
    said = text[at:end].strip(" \t*_`")
    value_at = at + len(text[at:end]) - len(text[at:end].lstrip(" \t*_`$"))
    value = json_value(text, value_at) if text[value_at : value_at + 1] in ("[", "{") else None
    if value and _ENDS_JSON_LINE.match(text, value[1]):
        return Stated(form, value[0], "", begin, max(end, value[1]), closed=True)
    below, below_end = text_below(text, end, _ANSWER_LINE)
    if not re.search(r"\w|\?|[^\x00-\x7f]", said):
        return Stated(form, below or said, "", begin, below_end if below else end)
    if said.endswith((":", "\uff1a")):
        return Stated(form, f"{said}\n{below}", "", begin, below_end)
    right_below = text[end + 1 : end + 60]
    listed = IS_ITEM.match(right_below)
    adjacent = listed or right_below.partition("\n")[0].strip()
    return Stated(form, said, below, begin, below_end if listed else end, apart=not adjacent, below_end=below_end)


def _boxes(text: str) -> Iterator[Stated]:
    """Boxes. Several on one line are one answer together with what stands between them."""
    boxes = [(match.start(), *_inside_of(text, match)) for match in _last(_BOX, text)]
    at = 0
    while at < len(boxes):
        begin, inside, end = boxes[at]
        line_end = text.find("\n", end)
        line_end = len(text) if line_end < 0 else line_end
        together = [box for box in boxes[at:] if box[0] < line_end]
        same = len({text[box[1] : box[2]].strip(" .}") for box in together}) == 1
        at += len(together)
        if end < 0 or together[-1][2] < 0:
            yield Stated("box", "", "", begin, len(text))
            continue
        if same:
            doubt = _OR_ELSE.match(text[together[-1][2] : line_end][:40])
            negated = _NOT_BOXED.search(text[max(0, begin - 60) : begin])
            said = text[inside:end] + (UNREADABLE if doubt or negated else "")
        else:
            said = text[begin:line_end]
        yield Stated("box", said, "", begin, together[-1][2] + 1, closed=True)


def _inside_of(text: str, match: re.Match[str]) -> tuple[int, int]:
    """Where the content of a box begins and ends; -1 if the box is not closed within reach."""
    inside, stop = match.end(), min(len(text), match.end() + LONGEST)
    if match[0].startswith("<"):
        return inside, text.find("<|end_of_box|>", inside, stop)
    depth = 1
    for brace in re.finditer(r"\\?[{}]", text[inside:stop]):
        if brace[0].startswith("\\"):
            continue
        depth += 1 if brace[0] == "{" else -1
        if not depth:
            return inside, inside + brace.start()
    return inside, -1


def _tags(text: str) -> Iterator[Stated]:
    """What stands in <answer> tags; the last one may be left open."""
    for match in _last(_TAGGED, text):
        end = _TAG_END.search(text, match.end(), min(len(text), match.end() + LONGEST))
        reach = min(len(text), match.end() + LONGEST)
        inside = text[match.end() : end.start() if end else reach]
        said = unwrapped(inside) + (UNREADABLE if not end and reach < len(text) else "")
        if _BOX.search(inside) or _KEY.search(inside):
            continue  # what is inside states it by itself
        yield Stated("tag", said, "", match.start(), end.end() if end else len(text), closed=end is not None)


def _keys(text: str) -> Iterator[Stated]:
    """The value of the key "answer" in a JSON object."""
    for match in _last(_KEY, text):
        value = json_value(text, match.end())
        if value and _ENDS_ENTRY.match(text, value[1]):
            yield Stated("json", value[0], "", match.start(), value[1], closed=True)
            continue
        end = text.find("\n", match.end())
        end = len(text) if end < 0 else end
        yield Stated("json", text[match.end() : end], "", match.start(), end)


# --- loose forms --------------------------------------------------------------------------------------------------


def _headings(text: str) -> Iterator[Stated]:
    """What is below a heading "Final answer" without a colon."""
    for match in _last(_HEADING, text, _reach(text)):
        yield _from_line(text, "heading", match.start(), match.end(), match.end())


def _sentences(text: str) -> Iterator[Stated]:
    """Sentences "the answer is ...", up to the end of its sentence; one that is denied, conditional or a question states none."""
    for match in _last(_SENTENCE, text, _reach(text)):
        before = re.split(r"[!?。\n]|\.(?=\s)", text[max(0, match.start() - 160) : match.start()])[-1]
        rest = text[match.end() : match.end() + LONGEST].partition("\n")[0]
        sentence = re.split(r"(?<=[.!?])(?=[\s*_]|$)|。", rest, maxsplit=1)[0]
        if _DENIED.search(before) or not _COMMITS.search(before) or _NO_STATEMENT.search(sentence):
            continue
        end = match.end() + len(sentence)
        if not re.search(r"\w", sentence) or sentence.rstrip(" *_").endswith((":", "\uff1a")):
            yield _from_line(text, "sentence", match.start(), match.end(), match.end() + len(rest))
        else:
            yield Stated("sentence", sentence.strip(" \t*_`,"), "", match.start(), end)


def _labels(text: str) -> Iterator[Stated]:
    """Lines such as "Final moves: ..." or "Solution: ..."."""
    for match in _last(_LABELLED, text, _reach(text)):
        yield _from_line(text, "label", match.start(), match.start("text"), match.end())


def _last_line(text: str) -> tuple[str, int]:
    kept = text.rstrip()
    begin = kept.rfind("\n") + 1
    return kept[begin:], begin


def _conclusion(text: str) -> Stated | None:
    """The last sentence of the last line; or a line that ends with a colon, and the one value line below it."""
    line, begin = _last_line(text)
    if len(line) > 1000:
        return None
    above = text[max(0, begin - 400) : begin].rstrip().rpartition("\n")[2]
    if above.rstrip(" *_").endswith((":", "\uff1a")) and len(line) <= 300:
        line = f"{above.rstrip(' *_')} {line.strip(' *_#`>-')}"
        begin -= len(above)
    sentence = re.split(r"(?<=[.!?。])(?=\s)", line.rstrip(" *_"))[-1].strip(" *_#>")
    match = _CONCLUSION.match(sentence) or _CONCLUDED_LATE.search(sentence)
    if match is None:
        return Stated("last", sentence, "", begin, len(text))
    return Stated("conclusion", match["text"], "", begin, len(text))


def _last_list(text: str) -> Stated | None:
    """What ends with a list of parts below a sentence: "From this view, you can see a total of 7 cubes", then each colour."""
    tail = text[-3000:].rstrip()
    lines = tail.split("\n")
    for at in range(len(lines) - 1, max(-1, len(lines) - 14), -1):
        if _TOTAL.search(lines[at]) and at < len(lines) - 1:
            last = at + 1
            while last < len(lines) and (
                lines[last].strip() or (last + 1 < len(lines) and _PART.search(lines[last + 1]))
            ):
                last += 1
            said = "\n".join(lines[at:last])
            led = _CONCLUSION.match(said)
            begin = max(0, len(text) - 3000) + sum(len(line) + 1 for line in lines[:at])
            end = begin + len(said) if last < len(lines) else len(text)
            return Stated("conclusion", led["text"] if led else said, "", begin, end)
    return None


def _table(text: str) -> Stated | None:
    """The one answer in a table with a column of answers."""
    tables = list(_ANSWER_TABLE.finditer(text))
    if not tables:
        return None
    table = tables[-1]
    heads, cells = (
        [cell.strip(" *_`") for cell in row.strip().strip("|").split("|")] for row in (table["head"], table["row"])
    )
    at = [n for n, head in enumerate(heads) if head.lower() in ("answer", "final answer")]
    if len(at) != 1 or len(cells) != len(heads):
        return None
    return Stated("table", cells[at[0]], "", table.start(), table.end())


def _bold_line(text: str) -> Stated | None:
    """The last line that is nothing but bold."""
    found = _last(_BOLD, text, _reach(text))
    return Stated("bold", found[-1]["text"], "", found[-1].start(), found[-1].end()) if found else None


def _last_table(text: str) -> Stated | None:
    """A table with which the text ends: the steps of a plan."""
    lines = text.rstrip().split("\n")[-40:]
    rows = 0
    while rows < len(lines) and lines[-1 - rows].lstrip().startswith("|"):
        rows += 1
    if rows < 3:
        return None
    said = "\n".join(lines[-rows:])
    return Stated("label", said, "", len(text.rstrip()) - len(said), len(text))


def _bare(text: str) -> Stated | None:
    """The whole text, if it may be nothing but an answer."""
    said = text.strip()
    if not said or len(said) > LONGEST:
        return None
    return Stated("bare", unwrapped(said), "", 0, len(text))
