"""A third set of responses in the manner of real models, written after the parser was mended on two."""

from __future__ import annotations

from .expecting import UNPARSED, Case

DRR = ["d", "r", "r"]
THREE_FIVE = ["3d", "5r"]
TWO_ONE = {"red": 2, "blue": 1}

ROLLS: list[Case] = [
    ("First roll: the cube tips to the right.\nSecond roll: it tips to the front.\n\nSo: red.\n", UNPARSED),
    ("**Answer:** ***Red***", "red"),
    ("Here's how I solve it:\n\n> right: blue\n> front: red\n\n> **Answer: red**", "red"),
    ("| Step | Top |\n|---|---|\n| 0 | green |\n| 1 | blue |\n| 2 | red |\n\n**Answer:** red", "red"),
    ("| Step | Top |\n|---|---|\n| 0 | green |\n| 1 | blue |\n| 2 | red |", UNPARSED),
    ("The user wants the top colour. The answer: red.", "red"),
    ("Let me double check. Top after roll one: blue. Top after roll two: red. Good.\n\nFinal: red", "red"),
    ("Answer: blue\n\n*Correction:* I swapped two faces.\n\nAnswer: red", "red"),
    ("Answer: blue\n\nActually, wait. The answer should be red.", "red"),
    ("Answer: blue (edit: red)", UNPARSED),
    ("~~Answer: blue~~\nAnswer: red", "red"),
    ("Answer: ~~blue~~ red", UNPARSED),
    ("Possible answers: red, blue, green. Answer: red", "red"),
    ("The answer choices are red and blue. The answer is red.", "red"),
    ("The answer cannot be blue, so it is red.", UNPARSED),
    ("The right answer is red", "red"),
    ("Red is the answer.", "red"),
    ("red is my final answer", "red"),
    ("The answer is red because the back face comes up.", "red"),
    ("The answer is red as the blue face moved down.", UNPARSED),
    ("The answer is red.\nThe answer is red.\nThe answer is red.", "red"),
    ("Top: Red\nAnswer: Red\nTop: Red", "red"),
    ("Answer: R", UNPARSED),
    ("Answer: the same colour as before, green.", "green"),
    ("Answer: green → blue → red", UNPARSED),
    ("\\(\\boxed{\\text{The top face is red.}}\\)", "red"),
    ("Final Answer:\n\\[\n\\text{Red}\n\\]", "red"),
    ("Final Answer:\n\\[\n\\boxed{\\text{Red}}\n\\]", "red"),
    ('{"answer": {"color": "red", "confidence": 0.93}}', "red"),
    ('[{"answer": "red"}]', "red"),
    ("answer: 'red'\nreason: 'blue goes down'", "red"),
    ("<answer>**red**</answer>", "red"),
    ("<final_answer>red</final_answer>", "red"),
    ("<Answer>red</Answer>", "red"),
]
SEEN: list[Case] = [
    ("Answer: two red and one blue cube are visible", TWO_ONE),
    ("Answer: 3 visible cubes (red: 2, blue: 1)", TWO_ONE),
    ("Answer: Total = 3, Red = 2, Blue = 1", TWO_ONE),
    ("Answer: 3: 2 red, 1 blue", TWO_ONE),
    ("Answer: red ×2 and blue ×1", TWO_ONE),
    ("Answer: There are three cubes visible - two red, one blue.", TWO_ONE),
    ("Answer: 2 red cubes and 1 blue one.", TWO_ONE),
    ("Answer: 2 red, 1 blue. Total: 3.", TWO_ONE),
    ("Answer: 2 red, 1 blue; total 4", {"red": 2, "blue": 1, "stated total": 4}),
    ("Answer: 3 cubes (red, red, blue)", UNPARSED),
    ("Answer: 3 cubes are visible, 2 of them red and 1 blue.", TWO_ONE),
    ("Answer: 1 blue cube on top, 2 red cubes at the bottom.", UNPARSED),
]
PUSHES: list[Case] = [
    ("Answer: d,r,r (down, right, right)", DRR),
    ("Answer: drr (down, right, right)", DRR),
    ("Answer: down, right, right => target", UNPARSED),
    ("Answer: (1) down (2) right (3) right", DRR),
    ("Answer: d r r [3 steps]", DRR),
    ("Answer: D → R → R → (box on target)", UNPARSED),
    ("Answer: move ↓, then push → →", UNPARSED),
    ("Answer: down (1), right (2)", DRR),
    ("Answer: step 1: down; step 2: right; step 3: right", DRR),
    ("Answer: the moves are down, right, and right.", DRR),
    ("Answer: dRR", DRR),
    ("**Sequence of moves:** d, r, r\n\nThis works.", UNPARSED),
    ("Shortest solution: d r r (3 moves)", DRR),
    ("Answer: 1 down + 2 right", DRR),
    ("Answer: To solve this, move down and push right twice.", UNPARSED),
    ("The answer is a sequence: d, r, r", DRR),
    ("Answer: d, r, r or d, d, r", UNPARSED),
    ("Answer: d, r, r / u, r, r", UNPARSED),
    ("Answer: Left as an exercise.", UNPARSED),
    ("Answer: All right.", UNPARSED),
    ("Answer: I would go up.", UNPARSED),
    ("Answer: down down", ["d", "d"]),
]
SLIDES: list[Case] = [
    ("Answer: 3d 5r.\n\nExplanation: 3 goes down, then 5 slides right.", THREE_FIVE),
    ("Answer: 3d, 5r\n3d: block 3 down\n5r: block 5 right", UNPARSED),
    ("Answer: [3 down, 5 right]", THREE_FIVE),
    ("Answer: ['3 down', '5 right']", THREE_FIVE),
    ("Answer: ['block 3 down', 'block 5 right']", THREE_FIVE),
    ("Answer: Piece 3 down, piece 5 right", THREE_FIVE),
    ("Answer: 3 ↓, 5 →", UNPARSED),
    ("Answer: 3d ×1, 5r ×1", THREE_FIVE),
    ("Answer: 3d;5r;", THREE_FIVE),
    ("Answer: block 3 moves down one space, block 5 moves right one space", THREE_FIVE),
    ("Answer: (Block 3, Down), (Block 5, Right)", THREE_FIVE),
    ("Answer: Block 3 (down), Block 5 (right)", THREE_FIVE),
    ("Answer: 35", UNPARSED),
    ("Answer: dr", UNPARSED),
]

GROUPS = {"roll third": ROLLS, "see third": SEEN, "push third": PUSHES, "slide third": SLIDES}
