"""The credit model for Triton's Python backend.

Inputs, one row each: `income` and `loan_amount`, or `forced_score`, which becomes the score as it is. Outputs: `score`,
`label`, and `received_headers`: what reached the model, as a JSON object.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as triton  # pyright: ignore[reportMissingImports]  (the backend brings it)

# Triton's stub does not read PYTHONPATH.
sys.path.append(str(Path(__file__).resolve().parents[4] / "model"))
import credit_score  # pyright: ignore[reportMissingImports]


class TritonPythonModel:
    def execute(self, requests: list[Any]) -> list[Any]:
        return [_answer(request) for request in requests]


def _answer(request: Any) -> Any:
    scores = _scores(request)
    labels = [credit_score.label(score).encode() for score in scores]
    outputs = [
        triton.Tensor("score", np.array(scores, dtype=np.float64)),
        triton.Tensor("label", np.array(labels, dtype=np.object_)),
        # The server is started with a pattern that makes each header a parameter.
        triton.Tensor("received_headers", np.array([request.parameters().encode()], dtype=np.object_)),
    ]
    wanted = request.requested_output_names()
    return triton.InferenceResponse([output for output in outputs if output.name() in wanted])


def _scores(request: Any) -> list[float]:
    forced = triton.get_input_tensor_by_name(request, "forced_score")
    if forced is not None:
        return [float(score) for score in forced.as_numpy()]
    columns = (triton.get_input_tensor_by_name(request, name).as_numpy() for name in ("income", "loan_amount"))
    return [credit_score.score(float(income), float(loan_amount)) for income, loan_amount in zip(*columns, strict=True)]
