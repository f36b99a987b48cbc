"""The sidecar in front of real model servers: MLServer and TorchServe, with the testbed's model `credit`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.process import Answer, Sidecar, example_data, fetch, sidecar
from tests.servers.fixtures import real_mlserver, real_torchserve

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.servers.process import ModelServer

__all__ = ["real_mlserver", "real_torchserve"]

pytestmark = pytest.mark.e2e

TORCHSERVE_READ = {
    "score": "pointer:/score",
    "label": "pointer:/label",
    "positive": {"label": "approve"},
    "score_range": [0, 1],
    "group": "header:X-Protected-Group",
}


@dataclass
class Guarded:
    """A real model server behind a sidecar."""

    sidecar: Sidecar
    server: ModelServer

    def infer(self, body: object | None = None, **headers: str) -> Answer:
        return self.sidecar.infer(self.server.infer_path, body or self.server.example, **headers)

    def with_score(self, score: float) -> object:
        """A request body that makes the model answer this score."""
        if self.server.kind == "torchserve":
            return {"forced_score": score}
        return {"inputs": [{"name": "forced_score", "shape": [1], "datatype": "FP64", "data": [score]}]}


@pytest.fixture(scope="module", params=["mlserver", "torchserve"])
def server(request: pytest.FixtureRequest) -> ModelServer:
    found: ModelServer = request.getfixturevalue(f"real_{request.param}")
    return found


@pytest.fixture(scope="module", params=["opa", "embedded"])
def guarded(
    request: pytest.FixtureRequest, server: ModelServer, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Guarded]:
    folder: Path = tmp_path_factory.mktemp(f"{server.kind}-{request.param}")
    data = example_data(read=TORCHSERVE_READ) if server.kind == "torchserve" else example_data()
    with sidecar(folder, server.url, server=server.kind, engine=request.param, data=data) as running:
        yield Guarded(running, server)


def kinds(guarded: Guarded, answer: Answer) -> list[str]:
    """What the exchange left on record."""
    decision_id = answer.headers["x-decision-id"]
    records = [record for record in guarded.sidecar.records() if record.get("decision_id") == decision_id]
    return [" ".join(filter(None, (record["kind"], record.get("result")))) for record in records]


def test_a_good_call_equals_a_direct_one(guarded: Guarded) -> None:
    direct = fetch(
        guarded.server.url + guarded.server.infer_path,
        json.dumps(guarded.server.example).encode(),
        Content_Type="application/json",
    )
    answer = guarded.infer()
    assert (answer.status, without_id(answer.json)) == (200, without_id(direct.json))
    assert kinds(guarded, answer) == ["INTENT", "OUTCOME released"]


def without_id(answer: Any) -> Any:
    """MLServer gives each answer an id of its own."""
    return {name: value for name, value in answer.items() if name != "id"}


def test_the_model_sees_the_governed_headers_and_never_the_token(guarded: Guarded) -> None:
    if guarded.server.kind == "torchserve":
        answer = guarded.infer({"income": 50, "loan_amount": 150, "echo_headers": True})
        received = answer.json["received_headers"]
    else:
        wanted = [{"name": name} for name in ("score", "label", "received_headers")]
        answer = guarded.infer({**guarded.server.example, "outputs": wanted})
        received = json.loads(answer.json["outputs"][2]["data"][0])
    seen = {name.lower(): value for name, value in received.items()}
    assert seen["x-data-version"] == "fresh"
    assert seen["x-consent-scope"] == "credit_scoring"
    assert seen["x-decision-id"] == answer.headers["x-decision-id"]
    assert seen["x-policy-revision"] == guarded.sidecar.ready["policy_revision"]
    assert {"x-consent-token", "x-protected-group"} & set(seen) == set()


@pytest.mark.parametrize(
    ("headers", "status", "codes"),
    [
        ({"X_Data_Version": "stale"}, 403, ["data_stale"]),
        ({"X_Data_Version": "unheard-of"}, 403, ["data_version_unknown"]),
        ({"X_Data_Version": ""}, 400, ["attribute_missing"]),
        ({"X_Data_Version": "a,b"}, 400, ["attribute_malformed"]),
        ({"X_Consent_Scope": ""}, 400, ["attribute_missing"]),
        ({"token": "not.a.token"}, 401, ["consent_invalid"]),
        ({"Content_Encoding": "gzip"}, 415, ["media_type_unsupported"]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else str(value),
)
def test_bad_attributes_are_refused_before_the_model(
    guarded: Guarded, headers: dict[str, str], status: int, codes: list[str]
) -> None:
    answer = guarded.infer(**headers)
    assert (answer.status, answer.codes, kinds(guarded, answer)) == (status, codes, ["REFUSAL"])


def test_a_token_for_something_else_is_refused(guarded: Guarded) -> None:
    answer = guarded.infer(token=guarded.sidecar.issuer.token(scope="marketing"))
    assert (answer.status, set(answer.codes)) == (403, {"consent_scope_mismatch"})


@pytest.mark.parametrize(("score", "status"), [(0.46, 200), (0.54, 200), (0.44, 403), (0.56, 403)])
def test_a_score_must_lie_within_its_groups_band(guarded: Guarded, score: float, status: int) -> None:
    answer = guarded.infer(guarded.with_score(score))
    assert answer.status == status
    if status == 403:
        assert answer.codes == ["score_out_of_band"]
        assert kinds(guarded, answer) == ["INTENT", "OUTCOME refused"]


def test_management_and_aliases_do_not_pass(guarded: Guarded) -> None:
    management = "/models" if guarded.server.kind == "torchserve" else "/v2/repository/index"
    answer = guarded.sidecar.infer(management, {})
    assert (answer.status, answer.codes) == (403, ["management_forbidden"])
    decoded = guarded.server.infer_path.replace("cred", "%63red")
    for path, status in (
        (decoded, 400),
        ("/" + guarded.server.infer_path, 400),
        (guarded.server.infer_path + "/", 404),
    ):
        assert guarded.sidecar.infer(path, guarded.server.example).status == status


def test_an_error_of_the_model_server_passes_as_it_is(guarded: Guarded) -> None:
    broken = (
        {"income": 50}
        if guarded.server.kind == "torchserve"
        else {"inputs": [{"name": "nothing", "shape": [1], "datatype": "FP64", "data": [1.0]}]}
    )
    answer = guarded.infer(broken)
    assert answer.status >= 400
    assert kinds(guarded, answer) == ["INTENT", "OUTCOME released"]


def test_probes_pass(guarded: Guarded) -> None:
    path = "/ping" if guarded.server.kind == "torchserve" else "/v2/health/ready"
    assert fetch(guarded.sidecar.url + path).status == 200
