"""A call through the sidecar is the call itself: the same bytes go to the server, and the same bytes come back."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING

import pytest

from tests.e2e.servers.dialects import DIALECTS, only
from tests.e2e.servers.guarded import scores_for
from tests.e2e.servers.wire import compared

if TYPE_CHECKING:
    from tests.e2e.servers.guarded import Guarded


CODERS = {"gzip": gzip.compress, "deflate": zlib.compress}


def test_a_good_call_equals_a_direct_one(server: Guarded) -> None:
    answer = server.call()
    assert answer.status == 200, answer.body
    assert compared(answer) == compared(server.direct())
    assert server.kinds(answer) == ["INTENT", "OUTCOME released"]


def test_the_very_bytes_go_to_the_server(server: Guarded) -> None:
    # Spaces and key order that no serialiser would make again.
    body = json.dumps(server.dialect.body([0.5]), indent=1).replace("\n", "\n\n").encode() + b" \n"
    before = len(server.tap.sent)
    answer = server.call(body)
    assert compared(answer) == compared(server.direct(body))
    head, _, sent = bytes(server.tap.sent[before:]).partition(b"\r\n\r\n")
    assert sent == body
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    assert fields[b"x-data-version"] == b"fresh"
    assert fields[b"x-consent-scope"] == b"credit_scoring"
    assert fields[b"x-decision-id"].decode() == answer.headers["x-decision-id"]
    assert fields[b"x-policy-revision"].decode() == server.sidecar.ready["policy_revision"]
    assert not {b"x-consent-token", b"x-protected-group"} & fields.keys()


def test_an_alias_is_judged_like_the_path_itself(server: Guarded) -> None:
    for path in server.dialect.aliases:
        answer = server.call(path=path)
        assert answer.status == 200, (path, answer.body)
        assert compared(answer) == compared(server.direct(path=path)), path
        refused = server.call(server.dialect.body([0.9]), path)
        assert (refused.status, refused.codes) == (403, ["score_out_of_band"]), path


def test_coded_requests_pass_where_the_server_decodes_them(server: Guarded) -> None:
    plain = json.dumps(server.dialect.body([0.5])).encode()
    for coding, coded in CODERS.items():
        body = coded(plain)  # once: gzip notes the second at which it was made
        if coding in server.dialect.codings:
            before = len(server.tap.sent)
            answer = server.call(body, Content_Encoding=coding)
            assert compared(answer) == compared(server.direct(plain)), coding
            assert bytes(server.tap.sent[before:]).endswith(b"\r\n\r\n" + body)
        else:
            with server.not_reached():
                answer = server.call(body, Content_Encoding=coding)
            assert (answer.status, answer.codes) == (415, ["media_type_unsupported"]), coding


@pytest.mark.parametrize("coding", ["br", "gzip, gzip", "identity, gzip", "zlib"])
def test_other_codings_are_refused(server: Guarded, coding: str) -> None:
    # MLServer, KServe and TorchServe pass over what they do not know: plain JSON under any of these would be predicted.
    with server.not_reached():
        answer = server.call(Content_Encoding=coding)
    assert (answer.status, answer.codes) == (415, ["media_type_unsupported"])


def test_a_coded_request_is_one_whole_stream(server: Guarded) -> None:
    """Triton reads the first of two gzip members and MLServer both; Triton also takes half of one."""
    plain = json.dumps(server.dialect.body([0.5])).encode()
    coded = gzip.compress(plain)
    status = 400 if "gzip" in server.dialect.codings else 415
    for body in (coded + gzip.compress(b" "), coded + b"x", coded[:-1], plain):
        with server.not_reached():
            answer = server.call(body, Content_Encoding="gzip")
        assert answer.status == status, body


@pytest.mark.parametrize("coding", ["gzip", "deflate", "gzip, deflate;q=0.5", "br, gzip"])
def test_coded_answers_pass_as_they_are(server: Guarded, coding: str) -> None:
    # Above the 500 bytes from which MLServer codes.
    many = scores_for(server.dialect, *[0.5] * 4)
    body = {**server.dialect.body(many), "id": "i" * 500} if "infer" in server.dialect.path else None
    answer = server.call(body, Accept_Encoding=coding)
    assert answer.status == 200, answer.body
    assert compared(answer) == compared(server.direct(body, Accept_Encoding=coding))
    if coding in server.dialect.answer_codings:
        assert ("content-encoding", coding) in compared(answer).headers
    assert server.kinds(answer) == ["INTENT", "OUTCOME released"]


@only(*[dialect.name for dialect in DIALECTS if dialect.batches])
def test_every_instance_of_a_batch_is_judged(server: Guarded) -> None:
    body = server.dialect.body([0.5, 0.46, 0.54])
    answer = server.call(body)
    assert compared(answer) == compared(server.direct(body))
    intent, outcome = server.record(answer)
    assert intent["input"]["instances"] == 3
    assert outcome["input"]["prediction"]["scores"] == [0.5, 0.46, 0.54]
    refused = server.call(server.dialect.body([0.5, 0.46, 0.9]))
    assert (refused.status, refused.codes) == (403, ["score_out_of_band"])
    assert server.kinds(refused) == ["INTENT", "OUTCOME refused"]


def test_an_answer_that_a_rule_forbids_is_not_released(server: Guarded) -> None:
    answer = server.call(server.dialect.body([0.9]))
    expected = "score_out_of_band" if "score" in server.dialect.read else "said_too_much"
    assert (answer.status, answer.codes) == (403, [expected])
    assert b"0.9" not in answer.body
    assert server.kinds(answer) == ["INTENT", "OUTCOME refused"]


def test_an_error_of_the_server_passes_as_it_is(server: Guarded) -> None:
    answer = server.call(server.dialect.broken)
    assert answer.status >= 400
    assert compared(answer) == compared(server.direct(server.dialect.broken))
    assert server.kinds(answer) == ["INTENT", "OUTCOME released"]
