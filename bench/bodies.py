"""Bodies of one size whose attributes `bench/protocols` reads: what clients send, by protocol and by content."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sidecar.model.message import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Item = Any
"""A number, a text, a row or a tensor: what a document of one kind has many of."""

PROBED = 1_000
"""So many items are made to see how long one is."""
WORDS = ("income", "of", "the", "person", "who", "asked", "for", "a", "loan", "naïve", "coöperative")


@dataclass(frozen=True, slots=True)
class Sample:
    """One request. `text` is its body with any content coding undone: what a JSON parser alone would be given."""

    name: str
    server: str
    request: Request
    text: bytes

    @property
    def has_goal(self) -> bool:
        """Whether it is plain V2 JSON, for which a speed was promised."""
        return self.request.body is self.text and self.request.path.startswith("/v2/")


@dataclass(frozen=True, slots=True)
class Kind:
    """How to make a document that holds a number of items."""

    name: str
    server: str
    path: str
    item: Callable[[random.Random], Item]
    document: Callable[[list[Item]], object]
    gzipped: bool = False

    def sample(self, size_bytes: int) -> Sample:
        """Of about that size; the same in every run."""
        text = self._text(PROBED)
        text = self._text(max(1, size_bytes * PROBED // len(text)))
        headers = {b"content-type": b"application/json", b"x-data-version": b"loans-299"}
        if self.gzipped:
            headers[b"content-encoding"] = b"gzip"
        body = gzip.compress(text, 6, mtime=0) if self.gzipped else text
        return Sample(self.name, self.server, Request("POST", self.path, tuple(headers.items()), body), text)

    def _text(self, count: int) -> bytes:
        rng = random.Random(1)
        items = [self.item(rng) for _ in range(count)]
        return json.dumps(self.document(items), separators=(",", ":"), ensure_ascii=False).encode()


def samples(size_bytes: int) -> Iterator[Sample]:
    """Of every kind, in the order of the table."""
    for kind in KINDS:
        yield kind.sample(size_bytes)


def _short(rng: random.Random) -> float:
    return round(rng.random(), 5)


def _words(rng: random.Random) -> str:
    return " ".join(rng.choices(WORDS, k=8))


def _row(rng: random.Random) -> list[float]:
    return [round(rng.random(), 6) for _ in range(58)]


def _applicant(rng: random.Random) -> dict[str, object]:
    return {"income": round(rng.uniform(0, 1e5), 2), "loan": rng.randrange(10**6), "state": "CA", "since": "2026-11-20"}


def _v2(*inputs: dict[str, object]) -> dict[str, object]:
    return {"parameters": {"data_version": "loans-299"}, "inputs": list(inputs)}


def _tensor(name: str, datatype: str, shape: list[int], data: list[Item]) -> dict[str, object]:
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


def _flat(datatype: str) -> Callable[[list[Item]], object]:
    return lambda items: _v2(_tensor("features", datatype, [1, len(items)], items))


def _nested(items: list[Item]) -> object:
    return _v2(_tensor("features", "FP64", [len(items), len(items[0])], items))


def _many(items: list[Item]) -> object:
    columns = [items[start : start + COLUMN] for start in range(0, len(items), COLUMN)]
    return _v2(*[_tensor(f"feature-{n}", "FP64", [1, len(column)], column) for n, column in enumerate(columns)])


def _turns(items: list[Item]) -> object:
    messages = [{"role": ("user", "assistant")[number % 2], "content": item} for number, item in enumerate(items)]
    return {"model": "credit", "metadata": {"data_version": "loans-299"}, "messages": messages}


COLUMN = 64
_INFER = "/v2/models/credit/infer"
_CHAT = "/v1/chat/completions"

KINDS = (
    Kind("V2 floats, 5 digits", "mlserver", _INFER, _short, _flat("FP32")),
    Kind("V2 floats, 17 digits", "mlserver", _INFER, random.Random.random, _flat("FP64")),
    Kind("V2 integers, 1 to 2 digits", "mlserver", _INFER, lambda rng: rng.randrange(100), _flat("INT64")),
    Kind("V2 strings of 40", "mlserver", _INFER, _words, _flat("BYTES")),
    Kind("V2 strings with colons", "mlserver", _INFER, lambda rng: f"10:00:{rng.randrange(60):02}", _flat("BYTES")),
    Kind("V2 one long text", "mlserver", _INFER, _words, lambda items: _flat("BYTES")(["\n".join(items)])),
    Kind("V2 rows of 58, nested", "mlserver", _INFER, _row, _nested),
    Kind("V2 tensors of 64 numbers", "mlserver", _INFER, _short, _many),
    Kind("V2 floats, 5 digits, gzip", "triton", _INFER, _short, _flat("FP32"), gzipped=True),
    Kind("V1 rows of 58", "kserve", "/v1/models/credit:predict", _row, lambda items: {"instances": items}),
    Kind("V1 rows of names", "kserve", "/v1/models/credit:predict", _applicant, lambda items: {"instances": items}),
    Kind("TorchServe JSON", "torchserve", "/predictions/credit", _short, lambda items: {"data": items}),
    Kind("OpenAI chat, many turns", "openai", _CHAT, _words, _turns),
    Kind("OpenAI chat, one long text", "openai", _CHAT, _words, lambda items: _turns(["\n".join(items)])),
)
