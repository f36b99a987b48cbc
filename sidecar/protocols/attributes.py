"""Governed attributes from headers, bodies and claims (contract 2).

A value is 1 to 256 bytes of printable ASCII without a comma, whether a header or a body says it. An empty
value is none: malformed. A group may be any printable text.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from sidecar.model.attributes import MISSING, VALUE_LIMIT_BYTES, Attribute, Attributes, Status
from sidecar.model.facts import GroupPlace
from sidecar.model.reasons import Reason
from sidecar.model.refusal import refused
from sidecar.protocols.base import GOVERNED_NAMES
from sidecar.protocols.media import HEAD_LENGTH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.model.consent import ConsentFact
    from sidecar.model.facts import GroupSource, ModelFacts
    from sidecar.model.message import Request
    from sidecar.protocols.base import Call, ServingProtocol

GROUPS_LIMIT_CHARS = 8_192
"""Of all instances together: more would not fit into an audit record (contract 7), however JSON spells them."""

_EXTRACTED = frozenset((b"x-data-version", b"x-consent-scope", b"x-protected-group", b"x-explanation"))
_SAID_IN_BODIES = frozenset(name.replace("_", "-").encode() for name in GOVERNED_NAMES)
"""Triton with `--http-header-forward-pattern` makes a header `data_version` the parameter that a body may hold."""

_JUDGED = _EXTRACTED | {
    b"x-consent-token",
    b"x-request-id",
    b"x-decision-id",
    b"x-decision-fallback",
    b"x-policy-revision",
    b"content-type",
    b"content-encoding",
    HEAD_LENGTH,
}
"""Names by which we judge, or that are ours to set."""

_FORBIDDEN = {
    b"x-vertex-ai-triton-redirect": "X-Vertex-Ai-Triton-Redirect names another endpoint than the path",
}
_VALUE = re.compile(rf"(?! )[ -+\--~]{{1,{VALUE_LIMIT_BYTES}}}(?<! )")
"""What the module says of a value; nor does it begin or end with a space."""
_LEFT_TO_RULES = (Status.PRESENT, Status.MISSING)

_FOLD = bytes(byte if chr(byte).isalnum() and byte < 0x80 else 0x2D for byte in range(256))


def forbidden_headers(request: Request) -> tuple[Reason, ...]:
    """A `header_forbidden` for each header that may not pass, look-alikes of judged names among them.

    CGI and WSGI servers take `x_data_version` and `X-Data-Version` for one name (oauth2-proxy
    CVE-2025-64484): the model would see a value that nobody judged.
    """
    return _faults(tuple([name for name, _ in request.headers]))


@lru_cache(maxsize=64)  # a client sends the same names all the time
def _faults(names: tuple[bytes, ...]) -> tuple[Reason, ...]:
    return tuple([fault for name in names if (fault := _fault(name)) is not None])


def _fault(name: bytes) -> Reason | None:
    if name in _FORBIDDEN:
        return Reason("header_forbidden", _FORBIDDEN[name])
    if (folded := name.translate(_FOLD)) in _SAID_IN_BODIES:
        return Reason("header_forbidden", f"as a header, {folded.decode()} begins with X-")
    if name not in _JUDGED and folded in _JUDGED:
        return Reason("header_forbidden", f"a header name that some servers take for {folded.decode()}")
    return None


def extract(
    request: Request, call: Call, facts: ModelFacts, consent: ConsentFact, protocol: ServingProtocol
) -> Attributes:
    """All governed attributes; what is wrong with one is its status (see `problems`).

    Refuses with `attribute_malformed` an X-Explanation that is not `required`: to pass over it would drop a
    wish for an explanation.
    """
    headers: dict[bytes, list[bytes]] = {}
    for name, value in request.headers:
        if name in _EXTRACTED:
            headers.setdefault(name, []).append(value)
    in_body = call.parameters
    return Attributes(
        _of_two(headers.get(b"x-data-version"), "header:X-Data-Version", in_body.get("data_version")),
        _of_two(headers.get(b"x-consent-scope"), "header:X-Consent-Scope", in_body.get("consent_scope")),
        _groups(facts, call, consent, protocol, headers.get(b"x-protected-group")),
        _explanation_required(headers.get(b"x-explanation")),
    )


def problems(attributes: Attributes) -> tuple[Reason, ...]:
    """Reasons for what the sidecar refuses itself; a missing attribute is the rules' to judge."""
    named = (
        ("data_version", attributes.data_version),
        ("consent_scope", attributes.consent_scope),
        ("groups", attributes.groups),
    )
    return tuple(
        [
            Reason(f"attribute_{attribute.status.value}", f"{name}: {attribute.source}")
            for name, attribute in named
            if attribute.status not in _LEFT_TO_RULES
        ]
    )


def _of_two(header: list[bytes] | None, label: str, parameter: tuple[object, str] | None) -> Attribute:
    """An attribute that a header and a body may say: both right and equal, or not at all."""
    if parameter is None:
        return MISSING if header is None else _said(_header_text(header), label)
    in_body = _said(_text(parameter[0]), parameter[1])
    if header is None:
        return in_body
    in_header = _said(_header_text(header), label)
    wrong = [each.source or "" for each in (in_header, in_body) if each.status is Status.MALFORMED]
    if wrong:
        return Attribute(Status.MALFORMED, source=", ".join(wrong))
    if in_header.value != in_body.value:
        return Attribute(Status.CONFLICT, source=f"{label}, {parameter[1]}")
    return in_header


def _said(text: str | None, source: str) -> Attribute:
    return Attribute(Status.MALFORMED if text is None else Status.PRESENT, text, source)


def _header_text(values: list[bytes]) -> str | None:
    # RFC 9110 section 5.5: whitespace around a field value is not part of it.
    return None if len(values) != 1 else _text(values[0].strip(b" \t").decode("latin-1"))


def _text(value: object) -> str | None:
    """The value if it is one, else None."""
    return value if isinstance(value, str) and _VALUE.fullmatch(value) else None


def _groups(
    facts: ModelFacts,
    call: Call,
    consent: ConsentFact,
    protocol: ServingProtocol,
    header: list[bytes] | None,
) -> Attribute:
    """One group an instance, from the one source that the model's facts name."""
    source = facts.read.group
    if source is None:
        return MISSING
    if source.place is GroupPlace.HEADER:
        found = None if header is None else (_header_text(header),)
    elif source.reader is None:
        found = consent.groups
    else:
        found = protocol.input_column(call, facts, source.reader)
    return MISSING if found is None else _one_each(found, call.instances, source)


def _one_each(found: Sequence[object], instances: int, source: GroupSource) -> Attribute:
    groups = tuple([text for value in found if (text := _group(value)) is not None])
    if len(groups) != len(found) or len(groups) not in (1, instances):
        return Attribute(Status.MALFORMED, source=source.text)
    whole = groups * instances if len(groups) == 1 else groups
    if sum(map(len, whole)) > GROUPS_LIMIT_CHARS:
        return Attribute(Status.MALFORMED, source=source.text)
    return Attribute(Status.PRESENT, whole, source.text)


def _group(value: object) -> str | None:
    """Contract 2: groups are strings; integers are written as such, other numbers are malformed."""
    if isinstance(value, str):
        return value if 0 < len(value.encode()) <= VALUE_LIMIT_BYTES and value.isprintable() else None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _explanation_required(header: list[bytes] | None) -> bool:
    if header is None:
        return False
    if _header_text(header) != "required":
        raise refused("attribute_malformed", "X-Explanation is not the one word: required")
    return True
