from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx2 as httpx
import pytest

from sidecar.demo.credit_model import CreditModel
from sidecar.demo.model_server import application

MODEL = CreditModel(("a", "b"), (0.5, -2.0), 1.0, approve_from=0.6)
INFER = "/v2/models/credit/infer"


def _ask(*calls: tuple[str, str, Any]) -> list[tuple[int, Any]]:
    async def ask() -> list[tuple[int, Any]]:
        models = {"credit": MODEL, "skewed": replace(MODEL, approve_from_of={"y": 0.0})}
        transport = httpx.ASGITransport(application(models))
        async with httpx.AsyncClient(transport=transport, base_url="http://model") as client:
            answers = [await client.request(method, path, json=body) for method, path, body in calls]
        return [(answer.status_code, answer.json()) for answer in answers]

    return asyncio.run(ask())


def _inputs(a: list[float], b: list[float]) -> dict[str, Any]:
    tensor = {"datatype": "FP64", "shape": [len(a)]}
    # In another order than the model's: inputs go by name.
    return {"id": "7", "inputs": [{"name": "b", **tensor, "data": b}, {"name": "a", **tensor, "data": a}]}


def test_infer_scores_each_row() -> None:
    [(status, body)] = _ask(("POST", INFER, _inputs([2.0, 4.0], [1.0, 0.0])))
    assert status == 200
    assert body == {
        "model_name": "credit",
        "model_version": "1",
        "id": "7",
        "outputs": [
            {"name": "score", "datatype": "FP64", "shape": [2], "data": [0.5, MODEL.score((4.0, 0.0))]},
            {"name": "label", "datatype": "BYTES", "shape": [2], "data": ["deny", "approve"]},
        ],
    }


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"inputs": []},
        {"inputs": [{"name": "a", "data": [1]}]},
        _inputs([1.0], [1.0, 2.0]),
        _inputs([1.0], ["x"]),  # type: ignore[list-item]
    ],
)
def test_infer_refuses_what_is_no_request_of_this_model(body: Any) -> None:
    [(status, answer)] = _ask(("POST", INFER, body))
    assert (status, list(answer)) == (400, ["error"])


def test_health_and_metadata() -> None:
    paths = ("/v2/health/live", "/v2/health/ready", "/v2/models/credit/ready")
    assert _ask(*(("GET", path, None) for path in paths)) == [(200, {"ready": True})] * 3
    [(status, metadata)] = _ask(("GET", "/v2/models/credit", None))
    assert status == 200
    assert [tensor["name"] for tensor in metadata["inputs"]] == ["a", "b"]
    assert [tensor["name"] for tensor in metadata["outputs"]] == ["score", "label"]


def test_a_model_with_thresholds_by_group_has_to_be_told_the_group() -> None:
    body = _inputs([2.0, 2.0], [1.0, 1.0])
    told = {
        **body,
        "inputs": [*body["inputs"], {"name": "group", "datatype": "BYTES", "shape": [2], "data": ["x", "y"]}],
    }
    path = "/v2/models/skewed"
    (_, metadata), (status, answer), (untold, _) = _ask(
        ("GET", path, None), ("POST", f"{path}/infer", told), ("POST", f"{path}/infer", body)
    )
    assert [tensor["name"] for tensor in metadata["inputs"]] == ["a", "b", "group"]
    assert (status, answer["model_name"], answer["outputs"][1]["data"]) == (200, "skewed", ["deny", "approve"])
    assert untold == 400


def test_every_inference_counts_broken_ones_too() -> None:
    good, other, broken, counted = (
        ("POST", INFER, _inputs([1.0], [1.0])),
        ("POST", "/v2/models/skewed/infer", {}),
        ("POST", INFER, {}),
        ("GET", "/calls", None),
    )
    assert _ask(good, other, broken, good, counted)[-1] == (200, {"inferences": 4})
