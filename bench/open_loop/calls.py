"""What is sent: good calls in each protocol, and bad ones of each kind."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.vegeta import Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FEATURES = [[round(0.137 * column, 5) for column in range(56)]]
PATHS = {
    "v2": "/v2/models/{model}/infer",
    "v1": "/v1/models/{model}:predict",
    "torchserve": "/predictions/{model}",
}
BODIES = {
    "v2": {"inputs": [{"name": "features", "shape": [1, 56], "datatype": "FP64", "data": FEATURES[0]}]},
    "v1": {"instances": FEATURES},
    "torchserve": {"instances": FEATURES},
}
UNKNOWN_DATA = "bench-nobody-registered-this"
BAD = {
    "no-token": "without consent token",
    "broken-token": "the token's signature is another one's",
    "unknown-data": "names a data version that nobody registered",
    "no-data": "names no data version",
    "other-scope": "uses the data for something that the token does not grant",
    "broken-body": "the body ends too early",
}


@dataclass(frozen=True, slots=True)
class Call:
    """A good call. `tokens` are used in turn; without any, none is sent. `headers` come beside the others."""

    url: str  # without path
    protocol: str
    model: str
    data_versions: Sequence[str]
    scope: str
    tokens: Sequence[str] = ()
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = None  # None: a row of 56 numbers

    def target(self, number: int) -> Target:
        """Number `number`."""
        headers = {"Content-Type": "application/json", "X-Consent-Scope": self.scope}
        if self.data_versions:
            headers["X-Data-Version"] = self.data_versions[number % len(self.data_versions)]
        if self.tokens:
            headers["X-Consent-Token"] = self.tokens[number % len(self.tokens)]
        body = json.dumps(BODIES[self.protocol]).encode() if self.body is None else self.body
        url = self.url.rstrip("/") + PATHS[self.protocol].format(model=self.model)
        return Target(url, {**headers, **self.headers}, body)


def spoiled(target: Target, kind: str) -> Target:
    """The same call with one thing wrong."""
    headers, body = dict(target.headers), target.body
    match kind:
        case "no-token":
            headers.pop("X-Consent-Token", None)
        case "broken-token":
            token = headers.get("X-Consent-Token", "e30.e30.AAAA")
            headers["X-Consent-Token"] = token.rpartition(".")[0] + ".AAAA"
        case "unknown-data":
            headers["X-Data-Version"] = UNKNOWN_DATA
        case "no-data":
            headers.pop("X-Data-Version", None)
        case "other-scope":
            headers["X-Consent-Scope"] = "bench_nobody_granted_this"
        case "broken-body":
            body = body[: len(body) // 2]
        case _:
            raise ValueError(f"no such kind of bad call: {kind}")
    return Target(target.url, headers, body)


def calls(call: Call, bad_share: float, kinds: Sequence[str], seed: int = 1) -> Iterator[Target]:
    """Without end: good calls, and a share of bad ones of each kind in turn, at random places; the same each time."""
    dice = random.Random(seed)
    bad = itertools.cycle(kinds)
    for number in itertools.count():
        target = call.target(number)
        yield spoiled(target, next(bad)) if dice.random() < bad_share else target
