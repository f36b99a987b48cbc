"""KServe's own client, as its users write it: `client.py URL HEADERS_JSON`, run in `.servers/kserve`."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.constants.constants import PredictorProtocol
from kserve.protocol.infer_type import RequestedOutput


async def main(url: str, headers: dict[str, str]) -> dict[str, Any]:
    v1 = InferenceRESTClient(RESTConfig(protocol=PredictorProtocol.REST_V1.value))
    v2 = InferenceRESTClient(RESTConfig(protocol=PredictorProtocol.REST_V2.value))
    rows = {"instances": [{"income": 50, "loan_amount": 150}]}
    answers: dict[str, Any] = {
        "live": await v2.is_server_live(url),
        "ready": await v2.is_model_ready(url, "credit"),
        "v1": await v1.infer(url, rows, headers=headers, model_name="credit"),
        "v1 explain": await v1.explain(url, "credit", rows, headers=headers),
    }
    for name, binary in (("v2 binary", True), ("v2 json", False)):
        # It writes into the headers.
        response = await v2.infer(url, request(binary=binary), headers=dict(headers), model_name="credit")
        answers[name] = {output.name: output.as_numpy().tolist() for output in response.outputs}
    await v1.close()
    await v2.close()
    return answers


def request(*, binary: bool) -> InferRequest:
    inputs: list[InferInput] = []
    for name, values in (("income", [50.0, 100.0]), ("loan_amount", [150.0, 300.0])):
        made = InferInput(name, [len(values)], "FP64")
        made.set_data_from_numpy(np.array(values), binary_data=binary)
        inputs.append(made)
    outputs = [RequestedOutput("score", {"binary_data": binary}), RequestedOutput("label", {"binary_data": False})]
    return InferRequest("credit", inputs, request_id="call-1", request_outputs=outputs)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))))
