from __future__ import annotations

from typing import Any

from sidecar.audit.records import Result
from sidecar.evidence.coverage import Coverage
from sidecar.evidence.story import RESULTS, tell
from sidecar.ledger.checkpoint import Checkpoint

ID = "6f" * 16
COVERED = Coverage("ab" * 16, "INTENT", 12, b"", Checkpoint("o", 1_024, bytes(32)), b"", (), None)
OPEN = Coverage("ab" * 16, "OUTCOME", 13, b"", None, b"", (), "the log has no checkpoint")
NS = 1_795_300_000_000_000_000
DIGEST = "0123456789abcdef" * 4

OPENING: dict[str, Any] = {
    "kind": "INTENT",
    "sequence": 12,
    "time_unix_ns": NS + 1_000_000,
    "decision_id": ID,
    "request_id": "r-1",
    "trace_id": "cd" * 16,
    "started_unix_ns": NS,
    "mode": "enforce",
    "request": {"method": "POST", "path": "/v2/models/credit/infer"},
    "source": {"address": "10.1.2.0/24"},
    "endpoint": {"protocol": "v2", "operation": "infer", "model": "credit", "version": "3"},
    "input": {
        "attributes": {
            "data_version": {"value": "loans", "status": "present", "source": "header:X-Data-Version"},
            "consent_scope": {"value": None, "status": "missing", "source": None},
            "groups": {"value": ["a", "b"], "status": "present", "source": "claim:group"},
            "explanation": {"required": True},
        },
        "consent": {
            "status": "valid",
            "issuer": "https://issuer.example",
            "subject": DIGEST,
            "scopes": ["credit_scoring"],
            "expires_unix_s": 1_795_300_060.0,
        },
        "instances": 2,
    },
    "decision": {
        "allow": True,
        "reasons": [],
        "shadow": [{"code": "score_out_of_band", "message": "outside", "rule": "fairness_band"}],
        "obligations": [{"type": "throttle", "rate_per_s": 1, "hold_s": 300}],
    },
    "policy_revision": "rev-1",
    "engine": "opa",
    "request_digest": DIGEST,
    "explain": {"method": "POST", "path": "/v2/models/credit/explain", "timeout_ms": 500},
    "salt": "2026-11-21",
}
OUTCOME: dict[str, Any] = {
    "kind": "OUTCOME",
    "decision_id": ID,
    "result": "replaced",
    "status": 200,
    "input": {"prediction": {"status": 200, "scores": [0.5, 0.9], "labels": ["no", "yes"], "explanation": DIGEST}},
    "decision": {"allow": False, "reasons": [{"code": "own_code", "message": "why"}], "shadow": [], "obligations": []},
    "policy_revision": "rev-2",
    "window": {"state": "ok", "groups": {"a": {"n": 412}, "b": {"n": 380}}},
    "positive": [1],
    "response_digest": DIGEST,
    "stage_us": {"policy": 120, "upstream": 11_900},
    "salt": "2026-11-21",
}

WHOLE = f"""\
decision {ID}: infer of credit, version 3

  asked       at              2026-11-21 22:26:40.000Z
              request         POST /v2/models/credit/infer
              protocol        v2
              from            10.1.2.0/24
              request id      r-1
              trace id        {"cd" * 16}

  for         data_version    loans  (header:X-Data-Version)
              consent_scope   missing
              groups          a, b  (claim:group)
              explanation     wanted
              instances       2

  consent     token           valid
              issuer          https://issuer.example
              subject         0123456789abcdef…  (under the salt of 2026-11-21)
              scopes          credit_scoring
              expires         2026-11-21 22:27:40.000Z

  policy      allowed         by policy rev-1, in opa, mode enforce
              in shadow       score_out_of_band: outside  (rule fairness_band)
              obliged to      throttle, rate_per_s 1, hold_s 300

  sent                        the judged request
              body            0123456789abcdef…  (under the salt of 2026-11-21)
              and beside it   POST /v2/models/credit/explain, for an explanation within 500 ms

  answered    status          200
              scores          0.5, 0.9
              labels          no, yes
              explanation     0123456789abcdef…  (under the salt of 2026-11-21)
              positive        instances 1
              body            0123456789abcdef…  (under the salt of 2026-11-21)
              window          ok (a: 412, b: 380)

  judged      denied          by policy rev-2
              because         own_code: why

  client      status          200
              replaced        another answer was given in place of the model's

  took        policy             120 µs
              upstream        11,900 µs
              in all          12,020 µs

  on record   INTENT          record 12 of log {"ab" * 16}
                              proven: under the signed checkpoint of 1,024 records
              OUTCOME         record 13 of log {"ab" * 16}
                              NOT PROVEN: the log has no checkpoint"""


def test_the_whole_story_in_order() -> None:
    assert tell([OPENING, OUTCOME], [COVERED, OPEN]) == WHOLE


def test_a_refusal_was_never_sent() -> None:
    decision = {"allow": False, "reasons": [{"code": "http_malformed", "message": "bad"}]}
    ids = {name: OPENING[name] for name in ("sequence", "time_unix_ns", "decision_id", "request_id", "trace_id")}
    refusal = ids | {"kind": "REFUSAL", "status": 400, "endpoint": None, "input": None, "decision": decision}
    story = tell([refusal], [])
    assert story.startswith(f"decision {ID}\n")
    assert "denied          by the sidecar, without a policy" in story
    assert "nothing: the request was refused" in story
    assert "status          400" in story
    assert "consent" not in story


def test_what_is_in_flight_has_no_end_yet() -> None:
    story = tell([OPENING], [COVERED])
    assert "whether it arrived is not known: there is no OUTCOME (yet)" in story
    assert "  client                      not known (yet)" in story


def test_an_outcome_whose_intent_was_deleted_says_so() -> None:
    assert "its INTENT is not here any more" in tell([OUTCOME], [OPEN])


def test_every_result_is_said_in_words() -> None:
    assert list(RESULTS) == list(Result)


def test_what_a_client_sent_cannot_paint_the_screen() -> None:
    endpoint = {**OPENING["endpoint"], "model": "\x1b[2J"}
    shown = tell([{**OPENING, "request_id": "\x1b]0;x\x07\n\u202e", "endpoint": endpoint}], [COVERED])
    assert all(line.isprintable() for line in shown.split("\n"))
    assert r"\x1b]0;x\x07\n\u202e" in shown
    assert r"infer of \x1b[2J, version 3" in shown
