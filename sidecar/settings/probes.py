"""Probes of the model server that the admin port performs: as JSON in a flag or variable, as a mapping in a file."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, cast

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

_PORT = Field(ge=1, le=65_535)


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


HeaderName = Annotated[str, StringConstraints(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", max_length=256)]
HeaderValue = Annotated[str, StringConstraints(pattern=r"^[\t -~]*$", max_length=1_024)]


class HttpProbe(_Value):
    """`httpGet` as Kubernetes means it: well with a status from 200 to 399."""

    port: int = _PORT
    path: str = Field(default="/", pattern=r"^/[!-~]*$", max_length=2_048)
    scheme: Literal["HTTP", "HTTPS"] = "HTTP"
    headers: tuple[tuple[HeaderName, HeaderValue], ...] = Field(default=(), max_length=32)


class TcpProbe(_Value):
    """`tcpSocket`: well where somebody accepts the connection."""

    port: int = _PORT


class Probe(_Value):
    """One of the two, on 127.0.0.1."""

    http: HttpProbe | None = None
    tcp: TcpProbe | None = None
    timeout_s: float = Field(default=10.0, ge=1, le=10)

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.http is None) == (self.tcp is None):
            raise ValueError("is either http or tcp")
        return self

    @property
    def kind(self) -> HttpProbe | TcpProbe:
        """The one that it is."""
        return self.http or cast("TcpProbe", self.tcp)


def parse_json(value: object) -> object:
    """The text of a flag or variable; a mapping in a file stays one."""
    if not isinstance(value, str):
        return value
    try:
        parsed: Any = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"is not JSON: {error}") from None
    return parsed


ProbeName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,63}/(liveness|readiness|startup)$")]
Probes = Annotated[dict[ProbeName, Probe], BeforeValidator(parse_json), Field(max_length=32)]
"""By `CONTAINER/liveness`, `…/readiness` or `…/startup`."""
