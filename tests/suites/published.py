"""A small clone of SpatiaLite in our own words: its form, none of its items."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CENTRES = {"left": "orange", "right": "grey", "down": "green", "up": "yellow", "back": "red", "front": "blue"}
SOLVED = {face: [[colour] * 3 for _ in range(3)] for face, colour in CENTRES.items()}
# U turns the up face clockwise: front goes to the left, left to the back, back to the right, right to the front.
AFTER_U = SOLVED | {
    "front": [["grey"] * 3, *SOLVED["front"][1:]],
    "left": [["blue"] * 3, *SOLVED["left"][1:]],
    "back": [["orange"] * 3, *SOLVED["back"][1:]],
    "right": [["red"] * 3, *SOLVED["right"][1:]],
}
COLOURS = {"top": "red", "bottom": "black", "left": "yellow", "right": "green", "front": "blue", "back": "gray"}
CUBES = {"0,0,0": "red", "1,0,0": "blue", "0,0,1": "gray", "0,0,-1": "green"}
SYMBOLS = {"empty": ".", "brick": "#", "box": "B", "person": "S", "target": "T"}
ROOM = ("#####", "#SBT#", "#...#", "#####")
BOARDS = (
    ((1, 1, 2, 2), (1, 1, 3, 3), (4, 5, 0, 0), (6, 7, 8, 8), (6, 7, 9, 9)),
    (
        (1, 1, 2, 2),
        (1, 1, 3, 3),
        (4, 0, 0, 5),
        (6, 7, 8, 8),
        (6, 7, 9, 9),
    ),
)


def rolling(path: list[str], face: str, answer: str, colours: dict[str, str] = COLOURS) -> dict[str, Any]:
    return {
        "question": f"A cube rolls {path}. Which colour is at the {face}?",
        "answer": f"In the end it is {answer}.",
        "image": f"cube_rolling_1({len(path)}steps).png",
        "initial_state": {"initial_colors": colours, "rolling_path": path, "test_face": face},
    }


def view(side: str, answer: str, cubes: dict[str, str] = CUBES) -> dict[str, Any]:
    return {
        "question": f"From the {side} viewpoint, which cubes are seen? Example: From the left view there are 5 cubes.",
        "answer": answer,
        "image": "mental_rotation_1.png",
        "initial_state": cubes,
    }


def turning(asked: dict[str, Any], answer: str | int) -> dict[str, Any]:
    return {
        "question": "Turn the cube by U. What is on the front?",
        "answer": answer,
        "image": "rubiks_cube_1.jpg",
        "initial_state": {"moves": "U", "query_face": "front", "start_position": SOLVED, **asked},
        "final_state": AFTER_U,
    }


def box(rows: tuple[str, ...] = ROOM, answer: str = "1") -> dict[str, Any]:
    grid = [list(row) for row in rows]
    return {
        "question": "Push the box to the flag.",
        "answer": answer,
        "image": "rooms/move_box_1.jpg",
        "initial_state": {"map": grid, "descrip": SYMBOLS},
        "final_state": {"map": grid, "descrip": SYMBOLS},
    }


def blocks(image: str = "solution_001_very_easy.png") -> dict[str, Any]:
    start, target = ([list(row) for row in board] for board in BOARDS)
    return {
        "question": "Slide the blocks.",
        "answer": "",
        "image": image,
        "initial_state": {"map": start},
        "final_state": {"map": target},
    }


def rows() -> dict[str, list[dict[str, Any]]]:
    """File below `data/` -> its rows, all of them right."""
    return {
        "cube_rolling/cube_rolling_samples.json": [
            rolling(["right"], "bottom", "green"),
            rolling(["right", "front"], "front", "yellow"),
            rolling(["right", "front", "left"], "right", "blue"),
        ],
        "mental_rotation/mental_rotation_samples.json": [
            view("front", "One sees a total of 2 cubes.\nBlue: 1 cube\nGray: 1 cube"),
            view("back", "One sees a total of 2 cubes.\nGreen: 1 cube\nBlue: 1 cube"),
            view("right", "One sees a total of 3 cubes.\nBlue: 1 cube\nGrey: 1 cube\nGreen: 1 cube"),
        ],
        "rubiks_cube/rubiks_cube_samples.json": [
            turning({"question_type": "count_color", "query_colour": "blue"}, 6),
            turning({"question_type": "identify_color", "position": "top-left", "position_idx": 0}, "gray"),
            turning({"question_type": "count_color", "query_colour": "gray"}, 3),
        ],
        "move_box/move_box_samples.json": [box(), box(("######", "#SB.T#", "######"), "2")],
        "wood_slide/wood_slide_samples.json": [blocks()],
    }


def write_clone(root: Path, files: dict[str, list[dict[str, Any]]] | None = None) -> Path:
    """Write a clone; without `files`, one in which all is right."""
    for name, items in (rows() if files is None else files).items():
        path = root / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(item) + "\n" for item in items), encoding="utf-8")
    return root


# A program in the form of the published one, in our own words: it must be parsed, and would fail if it were run.
PROMPTING = """
from nowhere import nothing

class BasePrompter(Prompter):
    def __init__(self, question_type: str):
        self.question_type = question_type

    def run(self, sample, again=False) -> str:
        if self.question_type not in ["descrip", "executive"]:
            raise ValueError(f"no such type: {self.question_type}")
        if again:
            if self.question_type == "descrip":
                pass
        base_question = sample.question.rstrip()
        environment_type = sample.environment_type
        if self.question_type == "descrip":
            prompt = f"Asked: {base_question}\\n\\nDescribe."
        elif self.question_type == "executive":
            if environment_type == "moving_box":
                initial_state = sample.initial_state
                prompt = f"Asked: {base_question}\\n\\nIt is {initial_state}\\n\\nPush. "
            elif environment_type == "wood_slide":
                prompt = f"Asked: {base_question}\\n\\nSlide. "
        return prompt
"""
