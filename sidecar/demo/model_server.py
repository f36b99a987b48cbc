"""A model server for the demo's models, in a process of its own: `python -m sidecar.demo.model_server NAME=FILE…`.

It speaks V2 over JSON: one input tensor for each of a model's inputs, outputs `score` and `label`. When it
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
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

NAME, VERSION = "credit", "1"
GROUP = "group"
"""The one more input of a model that holds groups to different cut-offs."""


class Served:
    """One model's handlers, and how many inferences it was asked for."""

    def __init__(self, name: str, model: CreditModel) -> None:
        self.name = name
        self._model = model
        self.inferences = 0

    async def metadata(self, _: Request) -> Response:
        """`GET /v2/models/NAME`."""
        inputs = [_tensor(name, "FP64", [-1]) for name in self._model.inputs]
        inputs += [_tensor(GROUP, "BYTES", [-1])] if self._model.approve_from_of else []
        outputs = [_tensor("score", "FP64", [-1]), _tensor("label", "BYTES", [-1])]
        head = {"name": self.name, "versions": [VERSION], "platform": "demo"}
        return _json({**head, "inputs": inputs, "outputs": outputs})

    async def infer(self, request: Request) -> Response:
        """`POST /v2/models/NAME/infer`."""
        self.inferences += 1
        try:
            body: Any = orjson.loads(await request.body())
            rows, groups = _rows(self._model, body)
        except (ValueError, KeyError, TypeError) as error:
            return _json({"error": f"not an inference request of {self.name}: {error!r}"}, 400)
        scores = [self._model.score(row) for row in rows]
        labels = [self._model.label(score, group) for score, group in zip(scores, groups, strict=True)]
        outputs = [
            _tensor("score", "FP64", [len(rows)]) | {"data": scores},
            _tensor("label", "BYTES", [len(rows)]) | {"data": labels},
        ]
        head = {"model_name": self.name, "model_version": VERSION, "id": body.get("id", "")}
        return _json({**head, "outputs": outputs})

    def routes(self) -> list[Route]:
        """Where it is found."""
        path = f"/v2/models/{self.name}"
        return [
            Route(path, self.metadata),
            Route(f"{path}/ready", _ready),
            Route(f"{path}/infer", self.infer, methods=["POST"]),
        ]


def application(models: Mapping[str, CreditModel]) -> Starlette:
    """The server as an ASGI application; `models` by name."""
    served = [Served(name, model) for name, model in models.items()]

    async def calls(_: Request) -> Response:
        """`GET /calls`."""
        return _json({"inferences": sum(each.inferences for each in served)})

    shared = [Route("/v2/health/live", _ready), Route("/v2/health/ready", _ready), Route("/calls", calls)]
    return Starlette(routes=[*shared, *(route for each in served for route in each.routes())])


async def _ready(_: Request) -> Response:
    """`GET /v2/health/ready` and of a model."""
    return _json({"ready": True})


def _rows(model: CreditModel, body: Any) -> tuple[list[tuple[float, ...]], Sequence[str | None]]:
    tensors = {tensor["name"]: tensor["data"] for tensor in body["inputs"]}
    columns = [[float(value) for value in tensors[name]] for name in model.inputs]
    rows = list(zip(*columns, strict=True))
    return rows, tensors[GROUP] if model.approve_from_of else [None] * len(rows)


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


def main(named_files: Sequence[str]) -> None:
    """Serves until SIGTERM on a port that the system picks."""
    files = (each.split("=", 1) for each in named_files)
    models = {name: CreditModel.from_json(Path(file).read_text(encoding="utf-8")) for name, file in files}
    config = uvicorn.Config(application(models), log_level="warning", access_log=False, lifespan="off")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        _Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1:])
