"""Triton's own client, as its users write it: `client.py URL HEADERS_JSON`, run in `.servers/triton`."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import tritonclient.http as triton  # pyright: ignore[reportMissingImports]


def main(url: str, headers: dict[str, str]) -> dict[str, Any]:
    client = triton.InferenceServerClient(url.removeprefix("http://"))
    inputs = [tensor("income", [50.0, 100.0]), tensor("loan_amount", [150.0, 300.0])]
    answers: dict[str, Any] = {"live": client.is_server_live(), "ready": client.is_model_ready("credit")}
    for name, binary in (("binary", True), ("json", False)):
        outputs = [triton.InferRequestedOutput(output, binary_data=binary) for output in ("score", "label")]
        for coding in (None, "gzip", "deflate"):
            result = client.infer(
                "credit",
                inputs,
                outputs=outputs,
                headers=dict(headers),  # it writes into them
                request_compression_algorithm=coding,
                response_compression_algorithm=coding,
            )
            # Words are bytes where they came in binary, and text where they came as JSON.
            labels = result.as_numpy("label").astype(str)
            answers[f"{name} {coding}"] = [result.as_numpy("score").tolist(), labels.tolist()]
    try:
        client.unload_model("credit", headers=headers)
    except triton.InferenceServerException as refusal:
        answers["unload"] = [refusal.status(), refusal.message()]
    return answers


def tensor(name: str, values: list[float]) -> Any:
    made = triton.InferInput(name, [len(values)], "FP64")
    made.set_data_from_numpy(np.array(values), binary_data=True)
    return made


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], json.loads(sys.argv[2]))))
