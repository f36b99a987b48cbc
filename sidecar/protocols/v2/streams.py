"""Streamed answers whose every event is a whole JSON answer, as V2's and Triton's `generate` are: judged as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from sidecar.protocols import sse, strict_json
from sidecar.protocols.bodies import json_response
from sidecar.protocols.strict_json import Malformed, is_object

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sidecar.model.message import Response
    from sidecar.protocols.base import Call

STREAMED = frozenset(("generate_stream", "infer_stream"))
"""Operations whose answer is a stream, whatever the body says."""


def documents(response: Response) -> list[dict[str, object]]:
    """What each event says; raises `Malformed`."""
    found = [strict_json.loads(data) for data in sse.events(response.body)]
    events = [event for event in found if is_object(event)]
    if not events or len(events) != len(found):
        raise Malformed("the stream is not one of JSON objects")
    # Triton fixes the status at the first event: what fails later says so under 200.
    if any(event.keys() == {"error"} for event in events):
        raise Malformed("an event says that the model failed")
    return events


def agreed(events: Sequence[Mapping[str, object]], joined: Collection[str] = ()) -> dict[str, object]:
    """Members that the events which have them say alike; strings of `joined` members, end to end.

    Others are left out: each of their values reaches the client, and none speaks for the rest.
    """
    said: dict[str, list[object]] = {}
    for event in events:
        for name, value in event.items():
            said.setdefault(name, []).append(value)
    members: dict[str, object] = {}
    for name, values in said.items():
        texts = [value for value in values if isinstance(value, str)] if name in joined else []
        if len(texts) == len(values):
            members[name] = "".join(texts)
        elif all(value == values[0] for value in values):
            members[name] = values[0]
    return members


def fallback_response(call: Call, members: Mapping[str, object]) -> Response:
    """A 200 of ours, with these members beside the call's names: JSON, or one event where a stream was asked for."""
    answer: dict[str, object] = {"model_name": call.endpoint.model}
    if call.endpoint.version is not None:
        answer["model_version"] = call.endpoint.version
    if call.id is not None:
        answer["id"] = call.id
    answer |= members
    return sse.response(sse.event(orjson.dumps(answer))) if call.stream else json_response(answer)
