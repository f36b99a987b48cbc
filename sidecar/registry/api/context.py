"""What routes work with: the parts behind the API, the caller, and a request's conditions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, cast
from urllib.parse import unquote_to_bytes

from fastapi import Depends, Request
from pydantic import BeforeValidator, StringConstraints

from sidecar.registry.access.callers import Caller
from sidecar.registry.values import Invalid

if TYPE_CHECKING:
    from sidecar.consent.pseudonym import Pseudonyms
    from sidecar.policy.examine import Examiner
    from sidecar.registry.access.callers import Access
    from sidecar.registry.api.meters import Meters
    from sidecar.registry.shelf.bundling import Bundling
    from sidecar.registry.shelf.waiting import Shelf
    from sidecar.registry.store.registry import Registry

PAGE_LIMIT = 1_000


@dataclass(frozen=True, slots=True)
class Context:
    """The parts. `pseudonyms` None: people and tokens are named by pseudonym alone. `examiner` None: no policies."""

    registry: Registry
    shelf: Shelf
    bundling: Bundling
    access: Access
    meters: Meters
    pseudonyms: Pseudonyms | None
    examiner: Examiner | None


def context(request: Request) -> Context:
    """Of the application that serves the request."""
    return cast("Context", request.app.state.context)


def caller(request: Request) -> Caller:
    """Whom the guard has let in."""
    return cast("Caller", request.state.caller)


@dataclass(frozen=True, slots=True)
class Conditions:
    """RFC 9110, section 13. `if_match`: the version that the change builds on; `must_be_new`: there is none yet."""

    if_match: int | None
    must_be_new: bool


_VERSION = re.compile(r'"(\d{1,18})"')


def conditions(request: Request) -> Conditions:
    """Out of `If-Match: "VERSION"` and `If-None-Match: *`; raises `Invalid` for other forms."""
    if_match, if_none_match = request.headers.get("if-match"), request.headers.get("if-none-match")
    version = _VERSION.fullmatch(if_match) if if_match is not None else None
    problems: list[str] = []
    if if_match is not None and version is None:
        problems.append('If-Match: takes one entity tag as an answer\'s ETag has it, such as "3"')
    if if_none_match not in (None, "*"):
        problems.append("If-None-Match: takes * alone, for what must not be there yet")
    if if_match is not None and if_none_match is not None:
        problems.append("If-Match and If-None-Match exclude each other")
    if problems:
        raise Invalid(*problems)
    return Conditions(int(version[1]) if version else None, if_none_match == "*")


def _decoded(value: object) -> str:
    """A key as it stands in a path, where each of its own slashes is `%2F`."""
    try:
        text = unquote_to_bytes(str(value)).decode()
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8") from None
    if not text.isprintable():
        raise ValueError("must be of visible characters")
    return text


Here = Annotated[Context, Depends(context)]
Who = Annotated[Caller, Depends(caller)]
If = Annotated[Conditions, Depends(conditions)]
Key = Annotated[str, BeforeValidator(_decoded), StringConstraints(min_length=1, max_length=256)]
"""One segment of a path is one key, percent-encoded."""
