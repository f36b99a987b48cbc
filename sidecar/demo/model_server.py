"""A model server for the demo's model, in a process of its own: `python -m sidecar.demo.model_server FILE`.

It speaks V2 over JSON: one input tensor for each of the model's inputs, outputs `score` and `label`. When it
is ready it prints one line of JSON as `sidecar run` does; SIGTERM ends it. `/calls` says how many inferences
were asked of it, which shows that what was refused never came this far.
"""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from sidecar.demo.credit_model import CreditModel

if TYPE_CHECKING:
    from starlette.requests import Request

NAME, VERSION = "credit", "1"


class ModelServer:
    """The handlers, and how many inferences were made."""

    def __init__(self, model: CreditModel) -> None:
        self._model = model
        self._inferences = 0

    async def ready(self, _: Request) -> Response:
        """`GET /v2/health/ready` and of the model."""
        return _json({"ready": True})

    async def metadata(self, _: Request) -> Response:
        """`GET /v2/models/credit`."""
        inputs = [_tensor(name, "FP64", [-1]) for name in self._model.inputs]
        outputs = [_tensor("score", "FP64", [-1]), _tensor("label", "BYTES", [-1])]
        return _json({"name": NAME, "versions": [VERSION], "platform": "demo", "inputs": inputs, "outputs": outputs})

    async def infer(self, request: Request) -> Response:
        """`POST /v2/models/credit/infer`."""
        self._inferences += 1
        try:
            body: Any = orjson.loads(await request.body())
            rows = self._rows(body)
        except (ValueError, KeyError, TypeError) as error:
            return _json({"error": f"not an inference request of {NAME}: {error!r}"}, 400)
        scores = [self._model.score(row) for row in rows]
        labels = [self._model.label(score) for score in scores]
        outputs = [
            _tensor("score", "FP64", [len(rows)]) | {"data": scores},
            _tensor("label", "BYTES", [len(rows)]) | {"data": labels},
        ]
        return _json({"model_name": NAME, "model_version": VERSION, "id": body.get("id", ""), "outputs": outputs})

    async def calls(self, _: Request) -> Response:
        """`GET /calls`."""
        return _json({"inferences": self._inferences})

    def _rows(self, body: Any) -> list[tuple[float, ...]]:
        tensors = {tensor["name"]: tensor["data"] for tensor in body["inputs"]}
        columns = [[float(value) for value in tensors[name]] for name in self._model.inputs]
        return list(zip(*columns, strict=True))


def application(model: CreditModel) -> Starlette:
    """The server as an ASGI application."""
    server = ModelServer(model)
    return Starlette(
        routes=[
            Route("/v2/health/live", server.ready),
            Route("/v2/health/ready", server.ready),
            Route(f"/v2/models/{NAME}", server.metadata),
            Route(f"/v2/models/{NAME}/ready", server.ready),
            Route(f"/v2/models/{NAME}/infer", server.infer, methods=["POST"]),
            Route("/calls", server.calls),
        ]
    )


def _tensor(name: str, datatype: str, shape: list[int]) -> dict[str, object]:
    return {"name": name, "datatype": datatype, "shape": shape}


def _json(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


class _Server(uvicorn.Server):
    """Says so on standard output when it serves; from then on SIGTERM ends it well."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            host, port = listener.getsockname()
            sys.stdout.write(json.dumps({"ready": True, "listen": f"{host}:{port}"}) + "\n")
            sys.stdout.flush()


def main(model_file: str) -> None:
    """Serves until SIGTERM on a port that the system picks."""
    model = CreditModel.from_json(Path(model_file).read_text(encoding="utf-8"))
    config = uvicorn.Config(application(model), log_level="warning", access_log=False, lifespan="off")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        _Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1])
