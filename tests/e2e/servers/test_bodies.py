"""Bodies that a server reads in a way of its own: what we do not read like it is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.e2e.servers.dialects import Body, only, tensor, v2
from tests.e2e.servers.wire import compared

if TYPE_CHECKING:
    from tests.e2e.servers.guarded import Guarded


def test_a_name_twice_is_refused(server: Guarded) -> None:
    # Triton reads the first, all others the last.
    name, value = next(iter(server.dialect.body([0.5]).items()))
    twice = json.dumps({**server.dialect.body([0.5]), "consent_scope": "credit_scoring"}).encode()
    twice = twice[:-1] + b"," + json.dumps({name: value}).encode()[1:]
    with server.not_reached():
        answer = server.call(twice)
    assert (answer.status, answer.codes) == (400, ["body_malformed"])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_json_is_utf_8(server: Guarded, encoding: str) -> None:
    # Triton and fakellm take a byte order mark, fakellm also UTF-16.
    with server.not_reached():
        answer = server.call(json.dumps(server.dialect.body([0.5])).encode(encoding))
    assert (answer.status, answer.codes) == (400, ["body_malformed"])


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
def test_numbers_are_finite(server: Guarded, number: str) -> None:
    # Triton predicts with NaN, and answers NaN.
    with server.not_reached():
        answer = server.call(json.dumps({**server.dialect.body([0.5]), "more": 0.25}).replace("0.25", number).encode())
    assert (answer.status, answer.codes) == (400, ["body_malformed"])


def test_json_says_what_it_is(server: Guarded) -> None:
    # Triton and fakellm read it as JSON whatever it says; KServe's V1 and TorchServe hand it on as bytes.
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "application/cloudevents+json"):
        with server.not_reached():
            answer = server.call(Content_Type=media_type)
        assert answer.status in (400, 415), media_type


@only("kserve-v1")
def test_a_cloud_event_is_refused(server: Guarded) -> None:
    """KServe would predict for what stands in `data`."""
    event = {"specversion": "1.0", "id": "1", "source": "s", "type": "t", "time": "2026-01-01T00:00:00Z"}
    body = {**event, **server.dialect.body([0.5]), "data": server.dialect.body([0.9])}
    with server.not_reached():
        answer = server.call(body)
    assert (answer.status, answer.codes) == (400, ["body_malformed"])
    assert server.direct(body).json["predictions"][0]["score"] == 0.9


@only("kserve-v1")
def test_an_explanation_does_not_reflect_the_token(server: Guarded) -> None:
    """KServe answers `:explain` with all headers of the request."""
    path = "/v1/models/credit:explain"
    answer = server.call(path=path)
    assert (answer.status, answer.body) == (200, server.direct(path=path).body)
    assert not {"x-consent-token", "x-protected-group"} & {name.lower() for name in answer.headers}
    refused = server.call(server.dialect.body([0.9]), path)
    assert (refused.status, refused.codes) == (403, ["score_out_of_band"])


@only("triton")
def test_a_classification_is_refused(server: Guarded) -> None:
    """It takes the place of the scores, and of an output of words it ends Triton's process."""
    for name in ("score", "label"):
        body = {**v2([0.5, 0.5]), "outputs": [{"name": name, "parameters": {"classification": 1}}]}
        with server.not_reached():
            answer = server.call(body)
        assert (answer.status, answer.codes) == (400, ["body_malformed"])


@only("triton", "kserve-v2", "mlserver")
def test_shared_memory_is_refused(server: Guarded) -> None:
    hidden = {"shared_memory_region": "r", "shared_memory_byte_size": 8}
    for place in ("inputs", "outputs"):
        body = v2([0.5])
        body[place] = [{**body[place][0], "parameters": hidden}, *body[place][1:]]
        with server.not_reached():
            answer = server.call(body)
        assert (answer.status, answer.codes) == (403, ["shared_memory_forbidden"])


@only("triton", "kserve-v2", "mlserver")
def test_inputs_differ_in_rows(server: Guarded) -> None:
    with server.not_reached():
        answer = server.call({"inputs": [tensor("income", [50.0]), tensor("loan_amount", [150.0, 900.0])]})
    assert (answer.status, answer.codes) == (400, ["body_malformed"])


FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=frontier"


def part(name: str, value: str, of_type: str = "") -> str:
    header = f"Content-Type: {of_type}\r\n" if of_type else ""
    return f'--frontier\r\nContent-Disposition: form-data; name="{name}"\r\n{header}\r\n{value}\r\n'


def multipart(*parts: str) -> bytes:
    return ("".join(parts) + "--frontier--\r\n").encode()


@only("torchserve")
def test_torchserve_forms_hold_attributes(server: Guarded) -> None:
    row = part("data", '{"forced_score": 0.5}', "application/json")
    good = multipart(row, part("data_version", "fresh"))
    answer = server.call(good, Content_Type=MULTIPART, X_Data_Version=None)
    assert answer.status == 200, answer.body
    assert compared(answer) == compared(server.direct(good, Content_Type=MULTIPART, X_Data_Version=None))
    said = server.record(answer)[0]["input"]["attributes"]["data_version"]
    assert said == {"value": "fresh", "status": "present", "source": "form:data_version"}
    for form, media_type in (
        (multipart(row, part("data_version", "another")), MULTIPART),
        (b"data=%7B%22forced_score%22%3A0.5%7D&data_version=another", FORM),
    ):
        with server.not_reached():
            answer = server.call(form, Content_Type=media_type)
        assert (answer.status, answer.codes) == (400, ["attribute_conflict"])


@only("torchserve")
def test_torchserve_forms_that_are_read_in_two_ways_are_refused(server: Guarded) -> None:
    row = part("data", '{"forced_score": 0.5}', "application/json")
    whole = multipart(row)
    for form in (
        b"preamble\r\n" + whole,
        whole[:-4],
        whole.replace(b"\r\n", b"\n"),
        multipart(row, part("data_version", "fresh"), part("data_version", "another")),
        whole.replace(b"name=", b"name*=utf-8''"),
        whole + b"epilogue",
    ):
        with server.not_reached():
            answer = server.call(form, Content_Type=MULTIPART)
        assert answer.status == 400, form


@only("torchserve")
def test_torchserve_takes_other_protocols_bodies(server: Guarded) -> None:
    bodies: dict[str, Body] = {
        "/v1/models/credit:predict": {"instances": [{}], "forced_score": 0.5},
        "/v2/models/credit/infer": {"inputs": [tensor("x", [1.0])], "forced_score": 0.5},
    }
    for path, body in bodies.items():
        answer = server.call(body, path)
        assert answer.status == 200, (path, answer.body)
        assert compared(answer) == compared(server.direct(body, path))
        refused = server.call(body | {"forced_score": 0.9}, path)
        assert (refused.status, refused.codes) == (403, ["score_out_of_band"]), path
