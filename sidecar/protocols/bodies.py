"""What protocols with JSON bodies share: reading one, saying what is wrong with it, and writing one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from sidecar.model.message import Response
from sidecar.model.refusal import refused
from sidecar.protocols import strict_json
from sidecar.protocols.strict_json import Malformed, is_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sidecar.model.message import Body
    from sidecar.model.refusal import Refused
    from sidecar.protocols.base import Limits


def body_malformed(message: str) -> Refused:
    """A refusal that says what to mend; `message` never quotes the body."""
    return refused("body_malformed", message)


def json_value(body: Body) -> object:
    """The body's value; refuses with `body_malformed`."""
    try:
        return strict_json.loads(body)
    except Malformed as error:
        raise body_malformed(f"the body cannot be read: {error}" if body else "the body is empty") from None


def json_object(body: Body) -> dict[str, object]:
    """The body's value, which must be an object; refuses with `body_malformed`."""
    value = json_value(body)
    if not is_object(value):
        raise body_malformed("the body is not a JSON object")
    return value


def object_member(body: Mapping[str, object], name: str) -> Mapping[str, object]:
    """A member that is an object, empty where it is absent or null; refuses with `body_malformed`."""
    value = body.get(name)
    if value is None:  # typed clients (pydantic's) write null for none
        return {}
    if not is_object(value):
        raise body_malformed(f"{name} is not an object")
    return value


def check_instances(instances: int, limits: Limits) -> None:
    """Contract 2: less than 1 is `body_malformed`; over the limit is `instances_too_many`."""
    if instances < 1:
        raise body_malformed("the request holds no instance")
    if instances > limits.max_instances:
        raise refused("instances_too_many", f"{instances} instances; at most {limits.max_instances} pass")


def json_response(value: object) -> Response:
    """A 200 of ours with a JSON body."""
    return Response(200, ((b"content-type", b"application/json"),), orjson.dumps(value))
