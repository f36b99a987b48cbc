"""The examples of docs/protocols.md, read by the code that they tell of."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.facts import ModelFacts, ReadPlan, parse_reader
from sidecar.model.message import Response
from sidecar.model.prediction import Prediction
from sidecar.protocols.base import Call
from sidecar.protocols.servers import SERVERS

if TYPE_CHECKING:
    from sidecar.protocols.base import ServingProtocol

PAGE = (Path(__file__).resolve().parents[3] / "docs/protocols.md").read_text()
PROTOCOLS = {name: protocol for kind in SERVERS.values() for name, protocol in kind.protocols.items()}
OPERATIONS = {"chat": "chat", "completions": "completion", "embeddings": "embedding"}


def table(head: str) -> list[list[str]]:
    """The cells of the rows below a table's head."""
    lines = PAGE[PAGE.index(head) :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def plain(cell: str) -> str:
    return re.sub(r"^`|`$", "", cell)


def answers() -> list[list[str]]:
    rows = table("| protocol | answer | `read` | value |")
    for row, before in zip(rows[1:], rows, strict=False):
        row[1] = before[1] if row[1] == "the same" else row[1]
    return [row for row in rows if "binary" not in row[0]]


def called(protocol: str, instances: int) -> tuple[ServingProtocol, Call]:
    """`v2`, `v1` `:explain`, `openai`, chat."""
    name, _, kind = protocol.replace("`", "").replace(",", "").partition(" ")
    operation = OPERATIONS.get(kind) or kind.strip(":") or "infer"
    return PROTOCOLS[name], Call(Endpoint(EndpointKind.INFER, name, operation, "m"), instances)


def expected(value: str) -> tuple[str, Any]:
    """Which part of a prediction is read, and what it is."""
    if value.startswith("`"):
        return "explanation", json.loads(plain(value))
    values = value.split(" and ")
    if values[0][0].isdigit():
        return "score", tuple(map(float, values))
    return "label", tuple(values)


@pytest.mark.parametrize(("protocol", "answer", "read", "value"), answers())
def test_answers_are_read_as_the_page_says(protocol: str, answer: str, read: str, value: str) -> None:
    what, values = expected(value)
    serving, call = called(protocol, len(values))
    plan: dict[str, Any] = {what: parse_reader(plain(read))}
    body = plain(answer.removesuffix(" (text)")).encode()
    prediction = serving.read_prediction(call, Response(200, (), body), ModelFacts("m", read=ReadPlan(**plan)))
    field = what if what == "explanation" else f"{what}s"
    assert prediction == Prediction(200, **{field: values})


def test_the_page_has_every_kind_and_every_protocol() -> None:
    kinds = [(kind.kind, set(kind.protocols)) for kind in SERVERS.values()]
    told = [(plain(row[0]), set(re.findall(r"`(\w+)`", row[1]))) for row in table("| `--server` | protocols")]
    assert sorted(told, key=str) == sorted(kinds, key=str)
    assert [name for name, _ in kinds if f"\n## {name}\n" not in PAGE] == []
    for head in ("| protocol | header |", "| protocol | instances |", "| protocol | error member |"):
        named = {name for row in table(head) for name in re.findall(r"`(\w+)`", row[0])}
        assert named == set(PROTOCOLS)
