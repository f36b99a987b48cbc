"""The credit model as an MLServer runtime.

Inputs, one row each: `income` and `loan_amount`, or `forced_score`, which becomes the score as it is.
Outputs: `score` and `label`, or those that the request's `outputs` name; `received_headers` only by name:
what reached the model.
"""

from __future__ import annotations

import json

import credit_score  # pyright: ignore[reportMissingImports]  (../../model, on PYTHONPATH)
from mlserver import MLModel
from mlserver.types import InferenceRequest, InferenceResponse, ResponseOutput


class CreditModel(MLModel):
    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        scores = _scores({tensor.name: list(tensor.data) for tensor in payload.inputs})
        outputs = [
            ResponseOutput(name="score", shape=[len(scores)], datatype="FP64", data=scores),
            ResponseOutput(
                name="label",
                shape=[len(scores)],
                datatype="BYTES",
                data=[credit_score.label(score) for score in scores],
            ),
        ]
        wanted = {output.name for output in payload.outputs or []}
        if "received_headers" in wanted:
            outputs.append(_received_headers(payload))
        return InferenceResponse(
            id=payload.id,
            model_name=self.name,
            model_version=self.version,
            outputs=[output for output in outputs if not wanted or output.name in wanted],
        )


def _scores(columns: dict[str, list[float]]) -> list[float]:
    if "forced_score" in columns:
        return [float(score) for score in columns["forced_score"]]
    rows = zip(columns["income"], columns["loan_amount"], strict=True)
    return [credit_score.score(income, loan_amount) for income, loan_amount in rows]


def _received_headers(payload: InferenceRequest) -> ResponseOutput:
    # MLServer hands the HTTP headers to the model as the request parameter `headers`.
    headers = getattr(payload.parameters, "headers", None) or {}
    return ResponseOutput(name="received_headers", shape=[1], datatype="BYTES", data=[json.dumps(headers)])
