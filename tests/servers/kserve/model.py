"""The credit model under KServe's Python server: `model.py HTTP_PORT GRPC_PORT`.

V1, an instance: an object with `income` and `loan_amount`, or `forced_score`, which becomes the score as it is.
V2: inputs of these names, one row each. Answers hold `score` and `label`; where an instance has
`"echo_headers": true`, or a V2 request names the output, also `received_headers`: what reached the model.
`:explain` answers a weight an input.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import credit_score  # pyright: ignore[reportMissingImports]  (../model, on PYTHONPATH)
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer


class CreditModel(Model):
    def __init__(self) -> None:
        super().__init__("credit")
        self.ready = True

    def predict(self, payload: Any, headers: dict[str, str] | None = None, *_: Any) -> Any:
        if isinstance(payload, InferRequest):
            return _v2(payload, headers or {})
        return {"predictions": [_v1(row, headers or {}) for row in payload["instances"]]}

    def explain(self, payload: Any, headers: dict[str, str] | None = None, *_: Any) -> Any:
        rows = payload["instances"]
        weights = {"income": 0.4, "loan_amount": -0.6}
        return {**self.predict(payload, headers), "explanations": [weights for _ in rows]}


def _v1(row: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    score = _score(row)
    answer: dict[str, Any] = {"score": score, "label": credit_score.label(score)}
    return {**answer, "received_headers": headers} if row.get("echo_headers") else answer


def _v2(request: InferRequest, headers: dict[str, str]) -> InferResponse:
    columns = {tensor.name: tensor.as_numpy().flatten().tolist() for tensor in request.inputs}
    scores = [_score(dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]
    rows = [len(scores)]
    outputs = [
        InferOutput(name="score", shape=rows, datatype="FP64", data=scores),
        InferOutput(name="label", shape=rows, datatype="BYTES", data=[credit_score.label(score) for score in scores]),
        InferOutput(name="received_headers", shape=[1], datatype="BYTES", data=[json.dumps(headers)]),
    ]
    wanted = {output.name for output in request.request_outputs or []} or {"score", "label"}
    return InferResponse(
        response_id=request.id or "",  # KServe answers 500 without one
        model_name="credit",
        infer_outputs=[output for output in outputs if output.name in wanted],
        requested_outputs=request.request_outputs or None,
    )


def _score(row: dict[str, Any]) -> float:
    forced = row.get("forced_score")
    return credit_score.score(row["income"], row["loan_amount"]) if forced is None else float(forced)


if __name__ == "__main__":
    http_port, grpc_port = map(int, sys.argv[1:])
    ModelServer(http_port=http_port, grpc_port=grpc_port, workers=1).start([CreditModel()])
