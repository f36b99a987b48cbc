"""A model that answers in pieces: one response a word of `text_input`, for `generate` and `generate_stream`.

`text_output` is the word; `score` is 0.5, or the word where it is a number; `label` is `approve`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import triton_python_backend_utils as triton  # pyright: ignore[reportMissingImports]  (the backend brings it)


class TritonPythonModel:
    def execute(self, requests: list[Any]) -> None:
        for request in requests:
            sender = request.get_response_sender()
            text = triton.get_input_tensor_by_name(request, "text_input").as_numpy()[0].decode()
            for word in text.split():
                sender.send(_piece(word))
            sender.send(flags=triton.TRITONSERVER_RESPONSE_COMPLETE_FINAL)


def _piece(word: str) -> Any:
    return triton.InferenceResponse(
        [
            triton.Tensor("text_output", np.array([word.encode()], dtype=np.object_)),
            triton.Tensor("score", np.array([_score(word)], dtype=np.float64)),
            triton.Tensor("label", np.array([b"approve"], dtype=np.object_)),
        ]
    )


def _score(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return 0.5
