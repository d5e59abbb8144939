"""Stored responses of other people's clients: their forms, what failed, and what matches the suite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from openai.types import chat

from idf.backends import Response
from idf.evaluation import EvaluationRecipe, read_responses, run_evaluation
from idf.evaluation.run.custom_id import custom_id
from idf.evaluation.run.responses import matched, modes_of, responses_sha256
from tests.sentences import line_that_says, missing, refused

A, B, C = ("cube_rolling:easy:0", "vtqa", 0), ("cube_rolling:easy:1", "vtqa", 0), ("wood_slide:hard:3", "tqa", 0)


def completion(
    *messages: dict[str, Any], finish_reason: str = "stop", usage: Any = (120, 7), **more: Any
) -> dict[str, Any]:
    """The body of a reply, through openai's own type."""
    whole = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_711_652_795,
        "model": "gpt",
        "choices": [
            {"index": i, "finish_reason": finish_reason, "logprobs": None, "message": {"role": "assistant", **message}}
            for i, message in enumerate(messages)
        ],
        "usage": usage
        and {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage), **more},
    }
    return chat.ChatCompletion.model_validate(whole).model_dump(mode="json")


def line(key: tuple[str, str, int], body: Any, status: int = 200, error: Any = None) -> dict[str, Any]:
    """A line of the output or error file of a batch, as OpenAI documents it."""
    response = {"status_code": status, "request_id": "req_1", "body": body}
    return {"id": "batch_req_1", "custom_id": custom_id(*key), "response": response, "error": error}


def said(text: str, **more: Any) -> dict[str, Any]:
    return {"content": text, "refusal": None, **more}


EXPIRED = {
    "code": "batch_expired",
    "message": "This request could not be executed before the completion window expired.",
}
INVALID = {
    "error": {
        "message": "Unsupported parameter: 'max_tokens' is not supported with this model.",
        "type": "invalid_request_error",
        "param": "max_tokens",
        "code": "unsupported_parameter",
    }
}


def expired(key: tuple[str, str, int]) -> dict[str, Any]:
    return {"id": "batch_req_2", "custom_id": custom_id(*key), "response": None, "error": EXPIRED}


def written(path: Path, *rows: Any) -> Path:
    path.write_text(
        "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8"
    )
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "batch_output.jsonl"


# --- a batch's output --------------------------------------------------------------------------------------------


def test_the_output_of_a_batch_is_read_by_its_names_in_any_order(out):
    written(out, line(C, completion(said("Answer: none"))), line(A, completion(said("Answer: red"), usage=(99, 3))))
    assert read_responses(out) == {
        A: Response("Answer: red", 99, 3, "stop"),
        C: Response("Answer: none", 120, 7, "stop"),
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (completion(said("so far"), finish_reason="length"), Response("so far", 120, 7, "length")),
        (completion({"content": ""}, finish_reason="length"), Response("", 120, 7, "length")),
        (completion({"content": None}, finish_reason="content_filter"), Response("", 120, 7, "content_filter")),
        (completion({"content": None, "refusal": "I cannot."}), Response("I cannot.", 120, 7, "refusal")),
        (completion({"content": None, "reasoning_content": "Hmm"}), Response("", 120, 7, "thought_only")),
        (completion(said("Answer: red", reasoning_content="Hmm")), Response("Answer: red", 120, 7, "stop")),
        (completion(said("Answer: red"), usage=None), Response("Answer: red", None, None, "stop")),
        (
            completion(said("Answer: red"), completion_tokens_details={"reasoning_tokens": 5}),
            Response("Answer: red", 120, 7, "stop"),
        ),
        (
            completion(
                {
                    "content": None,
                    "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
                },
                finish_reason="tool_calls",
            ),
            Response("", 120, 7, "tool_calls"),
        ),
    ],
)
def test_a_reply_is_read_as_that_of_an_endpoint(out, body, expected):
    assert read_responses(written(out, line(A, body))) == {A: expected}


VLLM = (  # lines that `vllm run-batch` 0.32.0 wrote, of a tiny checkpoint and of an engine that had died
    '{"id":"vllm-868b5e64af761312","custom_id":"vtqa-0-cube_rolling-easy-0","response":{"status_code":200,"request_id":'
    '"vllm-batch-90918826ab3adfae","body":{"id":"chatcmpl-b6c21440112d04c7","object":"chat.completion","created":1795914825,'
    '"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"fterfterfter","refusal":null,"annotations":'
    'null,"audio":null,"function_call":null,"reasoning":null},"logprobs":null,"finish_reason":"length","stop_reason":null,'
    '"token_ids":null,"routed_experts":null}],"service_tier":null,"system_fingerprint":"vllm-0.32.0-caa81a99","usage":'
    '{"prompt_tokens":347,"total_tokens":363,"completion_tokens":16,"prompt_tokens_details":null,'
    '"completion_tokens_details":null},"prompt_logprobs":null,"prompt_token_ids":null,"prompt_text":null,'
    '"kv_transfer_params":null,"ec_transfer_params":null,"metrics":null}},"error":null}',
    '{"id":"vllm-be904b328b55a1b2","custom_id":"vtqa-0-cube_rolling-easy-1","response":{"status_code":500,"request_id":'
    '"vllm-batch-ac1ccd7f3f3770cb","body":null},"error":{"error":{"message":"EngineCore encountered an issue. See stack trace '
    '(above) for the root cause.","type":"InternalServerError","param":null,"code":500}}}',
)


def test_what_vllms_run_batch_wrote_is_read(out):
    assert read_responses(written(out, *VLLM)) == {
        A: Response("fterfterfter", 347, 16, "length"),
        B: Response(
            "",
            finish_reason="error",
            error="HTTP 500, 500: EngineCore encountered an issue. See stack trace (above) for the root cause.",
        ),
    }


def test_several_choices_are_samples_and_their_tokens_are_unknown(out):
    body = completion(said("one"), said("two"), {"content": None, "refusal": "No."}, usage=(50, 30))
    assert read_responses(written(out, line(A, body), line(B, completion(said("one"))))) == {
        A: Response("one", 50, None, "stop"),
        (*A[:2], 1): Response("two", 50, None, "stop"),
        (*A[:2], 2): Response("No.", 50, None, "refusal"),
        B: Response("one", 120, 7, "stop"),
    }


def test_choices_that_take_the_number_of_another_sample_are_refused(out):
    written(out, line(A, completion(said("one"), said("two"))), line((*A[:2], 1), completion(said("again"))))
    with refused(f"{out}, line 2", "second response", A[0], "mode vtqa", "sample 1"):
        read_responses(out)


@pytest.mark.parametrize(
    ("failed", "why"),
    [
        (expired(A), ("batch_expired", "completion window expired")),
        (line(A, INVALID, 400), ("HTTP 400", "unsupported_parameter", "'max_tokens'")),
        (line(A, {"error": {"message": "Rate limit\nreached"}}, 429), ("HTTP 429", "Rate limit reached")),
        # vLLM's run-batch: its error stands beside a response without a body, as a text or as an object
        (line(A, None, 400, "url /v2 was used"), ("HTTP 400", "url /v2 was used")),
        (
            line(A, None, 404, {"error": {"message": "no model m", "type": "NotFoundError", "code": 404}}),
            ("404", "no model m"),
        ),
        (line(A, {"object": "response", "output": []}), ("not a chat completion",)),
        (line(A, None), ("not a chat completion",)),
        (line(A, completion(said("half"), finish_reason="stop") | {"choices": []}), ("not a chat completion",)),
    ],
)
def test_a_failed_request_is_a_failed_response_that_says_why(out, failed, why):
    (found,) = read_responses(written(out, failed)).values()
    assert (found.text, found.finish_reason) == ("", "error")
    assert not missing(found.error, *why)
    assert "\n" not in found.error


def test_a_folder_of_output_and_error_files_is_read_as_one(tmp_path):
    written(tmp_path / "batch_1_output.jsonl", line(A, completion(said("Answer: red"))))
    written(tmp_path / "batch_1_error.jsonl", expired(B))
    (tmp_path / "notes.txt").write_text("{")
    found = read_responses(tmp_path)
    assert {key: response.finish_reason for key, response in found.items()} == {A: "stop", B: "error"}


@pytest.mark.parametrize("names", ["ab", "ba"])
def test_what_failed_and_was_asked_again_is_answered(tmp_path, names):
    written(tmp_path / f"{names[0]}.jsonl", expired(A), line(B, completion(said("Answer: red"))))
    written(tmp_path / f"{names[1]}.jsonl", line(A, completion(said("Answer: blue"))), line(B, INVALID, 400))
    assert {key: response.text for key, response in read_responses(tmp_path).items()} == {
        A: "Answer: blue",
        B: "Answer: red",
    }


def test_two_answers_to_one_request_are_refused(tmp_path):
    for name in ("a", "b"):
        written(tmp_path / f"{name}.jsonl", line(A, completion(said("Answer: red"))))
    with refused(f"{tmp_path / 'b.jsonl'}, line 1", "second response", A[0], "mode vtqa"):
        read_responses(tmp_path)


def test_a_folder_without_such_files_is_refused(tmp_path):
    with refused(tmp_path, "no *.jsonl"):
        read_responses(tmp_path)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (line(A, {}) | {"custom_id": "request-1"}, ("custom_id 'request-1'", "idf prompts")),
        (line(A, {}) | {"custom_id": None}, ("custom_id None", "idf prompts")),
        (
            {"custom_id": custom_id(*A), "method": "POST", "url": "/v1/chat/completions", "body": {}},
            ("request", "output"),
        ),
        ({"custom_id": custom_id(*A), "response": None, "error": None}, ("neither", "response", "error")),
        ({"custom_id": custom_id(*A), "response": "Answer: red"}, ("response must", "object", "'Answer: red'")),
        ({"custom_id": custom_id(*A), "response": {"status_code": 200}}, ("key 'body'", "missing")),
        (line((A[0], "vtqa", 10_000), completion(said("x"))), ("sample", "9,999")),
    ],
)
def test_a_line_of_a_batch_that_cannot_be_read_is_named(out, row, why):
    written(out, line(B, completion(said("x"))), row)
    with refused(f"{out}, line 2", "not a response", *why):
        read_responses(out)


# --- our form, and lists -----------------------------------------------------------------------------------------

OWN = {"id": A[0], "mode": A[1], "response": "Answer: red"}


def test_a_json_list_of_responses_is_read(tmp_path):
    rows = [OWN, OWN | {"id": B[0], "sample": 2, "finish_reason": "length"}]
    path = tmp_path / "answers.txt"
    path.write_text("\n " + json.dumps(rows, indent=2))
    assert read_responses(path) == {
        A: Response("Answer: red"),
        (*B[:2], 2): Response("Answer: red", None, None, "length"),
    }


def test_a_json_list_of_a_batchs_lines_is_read_by_content_and_not_by_name(tmp_path):
    path = tmp_path / "answers.json"
    path.write_text(json.dumps([line(A, completion(said("Answer: red")))]))
    assert read_responses(path) == {A: Response("Answer: red", 120, 7, "stop")}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[\n{"id": "a",\n]', ("answers.json", "line 3")),
        (json.dumps([OWN, OWN | {"id": "b", "response": 5}]), ("object 2", "response must", "not 5")),
        (json.dumps([OWN, OWN]), ("object 2", "second response", A[0])),
        (json.dumps([OWN, 5]), ("object 2", "int")),
        (json.dumps(["x"]), ("object 1", "str")),
    ],
)
def test_a_broken_list_is_named_by_its_place(tmp_path, text, why):
    path = tmp_path / "answers.json"
    path.write_text(text)
    with refused(path, "not a response" if "second response" not in why else "second", *why):
        read_responses(path)


def test_a_whole_object_is_no_list_of_responses(tmp_path):
    path = tmp_path / "answers.json"
    path.write_text(json.dumps({"responses": [OWN]}))
    with refused(f"{path}, line 1", "not a response", "key 'id'"):
        read_responses(path)


def test_two_forms_in_one_file_are_refused_with_both_places(out):
    written(out, OWN, line(B, completion(said("x"))))
    with refused(f"{out}, line 1", f"{out}, line 2", "custom_id", "mode", "one form"):
        read_responses(out)


def test_prompts_that_nobody_answered_are_told_from_responses(tmp_path):
    path = written(tmp_path / "prompts.jsonl", {"id": A[0], "mode": A[1], "sample": 0, "messages": []})
    with refused(f"{path}, line 1", "'response'", "idf prompts", "no answer"):
        read_responses(path)


def test_a_prompts_line_with_its_answer_added_is_a_response(tmp_path):
    path = written(tmp_path / "mine.jsonl", OWN | {"sample": 0, "messages": [], "custom_id": "my own"})
    assert read_responses(path) == {A: Response("Answer: red")}


# --- modes and items ---------------------------------------------------------------------------------------------

STORED = {A: Response("Answer: red"), B: Response("Answer: blue"), C: Response("Answer: none")}
PATH = Path("answers.jsonl")
IDS = [A[0], B[0], C[0], "moving_box:easy:0"]


def test_seconds_are_kept_and_must_be_a_number(tmp_path):
    told = {"id": "a", "mode": "tqa", "response": "Answer: red", "seconds": 7.5}
    assert read_responses(written(tmp_path / "r.jsonl", told)) == {
        ("a", "tqa", 0): Response("Answer: red", seconds=7.5)
    }
    for wrong in ("7.5", True, -1, float("nan"), float("inf")):
        with refused("r.jsonl, line 1", "seconds", "number from 0"):
            read_responses(written(tmp_path / "r.jsonl", told | {"seconds": wrong}))


def test_the_modes_are_those_of_the_responses_unless_some_are_asked_for():
    assert modes_of(STORED, None, PATH) == ["tqa", "vtqa"]
    assert modes_of(STORED, ["vtqa"], PATH) == ["vtqa"]


def test_a_mode_without_a_response_is_refused_with_the_modes_that_have_some():
    with refused("--modes", "vqa", PATH, "tqa (1)", "vtqa (2)"):
        modes_of(STORED, ["tqa", "vqa"], PATH)


def test_no_response_at_all_is_refused():
    with refused(PATH, "no response"):
        modes_of({}, None, PATH)


def test_responses_to_what_is_asked_are_matched_without_a_word():
    found = matched(STORED, IDS, IDS, ["vtqa", "tqa"], PATH)
    assert (found.responses, found.failed, found.notes) == (STORED, 0, [])


def test_responses_to_another_suite_are_refused_with_ids_of_both():
    with refused(PATH, "none of 3", A[0], B[0], C[0], "mode tqa, vtqa", "move_box_samples:0", "and 1 more"):
        matched(STORED, [f"move_box_samples:{i}" for i in range(4)], IDS, ["vtqa"], PATH)


def test_some_responses_to_no_item_are_refused_with_their_ids():
    with refused(PATH, 2, "no item", "suite", B[0], C[0]):
        matched(STORED, [A[0]], [A[0]], ["vtqa"], PATH)


def test_responses_to_items_that_are_not_asked_alone_are_refused():
    with refused(PATH, "none of 3", A[0], "moving_box:easy:0", "--limit", "mode vtqa"):
        matched(STORED, IDS, ["moving_box:easy:0"], ["vtqa"], PATH)


def test_what_is_left_out_is_counted():
    found = matched(STORED, IDS, [A[0], C[0]], ["vtqa"], PATH)
    assert list(found.responses) == [A]
    line_that_says(found.notes, "1 response", "mode tqa", "left out", "--modes")
    line_that_says(found.notes, "1 response", "items", "not asked", "left out")


def test_failed_requests_are_counted_with_a_reason(out):
    stored = read_responses(written(out, line(A, completion(said("Answer: red"))), expired(B)))
    found = matched(stored, IDS, IDS, ["vtqa"], out)
    assert found.failed == 1
    line_that_says(found.notes, "1 of 2", "requests failed", "batch_expired", "errors")


def test_failed_requests_alone_are_refused_with_a_reason(out):
    stored = read_responses(written(out, line(A, INVALID, 400), expired(B)))
    with refused("2 of 2", "failed", "HTTP 400", "unsupported_parameter"):
        matched(stored, IDS, IDS, ["vtqa"], out)


def test_refusals_are_warned_about_as_with_an_endpoint(out):
    body = completion({"content": None, "refusal": "I cannot."})
    stored = read_responses(written(out, line(A, body), line(B, completion(said("Answer: red")))))
    line_that_says(matched(stored, IDS, IDS, ["vtqa"], out).notes, "1 of 2", "refused", "50.0%")


def test_the_hash_of_responses_tells_files_and_folders_apart_by_content(tmp_path):
    file = written(tmp_path / "a.jsonl", OWN)
    one = responses_sha256(file)
    assert responses_sha256(tmp_path) == one
    written(tmp_path / "b.jsonl", OWN | {"id": B[0]})
    assert responses_sha256(tmp_path) != one
    assert responses_sha256(file) == one
    with refused("no file", tmp_path / "nowhere"):
        responses_sha256(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["hello", '{"id": "cube_ro'])
def test_a_line_that_is_not_json_is_called_so(tmp_path, text):
    path = tmp_path / "r.jsonl"
    path.write_text(f"{text}\n")
    with refused(f"{path}, line 1", "not JSON"):
        read_responses(path)


def test_stored_responses_that_were_cut_off_name_no_option_that_asks_nobody(small_suite, tmp_path):
    path = tmp_path / "r.jsonl"
    item = json.loads((small_suite / "items.jsonl").read_text().splitlines()[0])["id"]
    row = {"id": item, "mode": "tqa", "response": "I roll it", "finish_reason": "length"}
    path.write_text(json.dumps(row) + "\n")
    told: list[str] = []
    recipe = EvaluationRecipe.of(responses=str(path), suite=str(small_suite))
    run_evaluation(recipe, tmp_path / "o", say=told.append, show=False)
    warning = line_that_says("\n".join(told), "warning", "1 of", "length limit")
    assert "--max-new-tokens" not in warning
