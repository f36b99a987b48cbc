"""Answers its BYTES input as it came; for each row of the batch the score 0.5 and the label `approve`."""

from __future__ import annotations

from typing import Any

import numpy as np
import triton_python_backend_utils as triton  # pyright: ignore[reportMissingImports]  (the backend brings it)


class TritonPythonModel:
    def execute(self, requests: list[Any]) -> list[Any]:
        return [_answer(triton.get_input_tensor_by_name(request, "words").as_numpy()) for request in requests]


def _answer(words: Any) -> Any:
    scores = np.full((len(words), 1), 0.5, dtype=np.float64)
    labels = np.full((len(words), 1), b"approve", dtype=np.object_)
    tensors = {"words": words, "score": scores, "label": labels}
    return triton.InferenceResponse([triton.Tensor(name, values) for name, values in tensors.items()])
