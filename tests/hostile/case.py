"""A case of the corpus, and the good request that each of them spoils in one place.

Without what spoils it, every request here is answered 200: so a refusal is for the spoilt place, and a case that
should have been refused and was not is seen at the model server.
"""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass

TOKEN = b"@TOKEN@"
"""Stands for a consent token: the issuer's key is made at run time."""
SMUGGLED = b"X-Smuggled: yes"
"""Marks a request that nobody but a fooled parser sees. None may ever reach the model server."""

HOST = b"Host: sidecar"
JSON = b"Content-Type: application/json"
VERSION = b"X-Data-Version: fresh"
SCOPE = b"X-Consent-Scope: credit_scoring"
GROUP = b"X-Protected-Group: a"
CONSENT = b"X-Consent-Token: " + TOKEN
GOOD_FIELDS = (HOST, JSON, VERSION, SCOPE, GROUP, CONSENT)

PATH = b"/v2/models/credit/infer"
LINE = b"POST " + PATH + b" HTTP/1.1"
BODY = b'{"inputs":[{"name":"income","shape":[1],"datatype":"FP64","data":[50.0]}]}'


class Fate(enum.Enum):
    """What must become of the client's connection once the last answer is written."""

    CLOSED = "closed"
    KEPT = "kept"  # and the next request on it is answered as itself
    EITHER = "either"


@dataclass(frozen=True, slots=True)
class Case:
    """`statuses`: one entry an answer, each the statuses that are right there. `reaches`: how many requests of it the
    model server gets; None: as many as there are answers below 300. `half_closes`: the client ends its side."""

    name: str
    sent: bytes
    statuses: tuple[tuple[int, ...], ...]
    fate: Fate = Fate.CLOSED
    reaches: int | None = 0
    half_closes: bool = False


def refused(name: str, sent: bytes, *statuses: int, half_closes: bool = False) -> Case:
    """A violation of framing: one refusal, then the end of the connection."""
    return Case(name, sent, (statuses or (400,),), half_closes=half_closes)


def declined(name: str, sent: bytes, *statuses: int) -> Case:
    """A well-framed request that is refused: the connection goes on."""
    return Case(name, sent, (statuses or (400,),), Fate.KEPT)


def passed(name: str, sent: bytes, fate: Fate = Fate.KEPT) -> Case:
    """A request that looks odd and is good: it reaches the model server once."""
    return Case(name, sent, ((200,),), fate, reaches=1)


def either(name: str, sent: bytes, *statuses: int) -> Case:
    """Passed or declined, as long as the same bytes are judged and forwarded."""
    return Case(name, sent, ((200, *statuses),), Fate.EITHER, reaches=None)


def head(*fields: bytes, line: bytes = LINE, without: tuple[bytes, ...] = ()) -> bytes:
    """A good head but for what the arguments say: `fields` come last, `without` leaves out good ones."""
    kept = [field for field in GOOD_FIELDS if field not in without]
    return b"\r\n".join([line, *kept, *fields]) + b"\r\n\r\n"


def request(*fields: bytes, body: bytes = BODY, line: bytes = LINE, without: tuple[bytes, ...] = ()) -> bytes:
    """A good request with a length, but for what the arguments say."""
    return head(*fields, b"Content-Length: %d" % len(body), line=line, without=without) + body


@dataclass(frozen=True, slots=True)
class Good:
    """The good request to one kind of server, and what spoils it: all of it is well framed, and declined."""

    line: bytes = LINE
    body: bytes = BODY

    def request(self, *fields: bytes, line: bytes = b"", body: bytes = b"", without: tuple[bytes, ...] = ()) -> bytes:
        """It, but for what the arguments say."""
        return request(*fields, line=line or self.line, body=body or self.body, without=without)

    def at(self, method: bytes, target: bytes, *statuses: int) -> Case:
        """To another place."""
        name = f"{method.decode()} {target.decode()}"
        return declined(name, self.request(line=method + b" " + target + b" HTTP/1.1"), *statuses)

    def saying(self, name: str, *statuses: int, **members: object) -> Case:
        """With other members, or more of them."""
        return self.raw(name, json.dumps(json.loads(self.body) | members).encode(), *statuses)

    def raw(self, name: str, body: bytes, *statuses: int) -> Case:
        """With another body."""
        return declined(name, self.request(body=body), *statuses)


def chunked(*fields: bytes, chunks: bytes, line: bytes = LINE) -> bytes:
    """A good head for a chunked body, and `chunks` as they are."""
    return head(*fields, b"Transfer-Encoding: chunked", line=line) + chunks


def in_chunks(body: bytes = BODY, size: int = 16, trailers: bytes = b"") -> bytes:
    """A chunked body."""
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n" + trailers + b"\r\n"


def smuggled() -> bytes:
    """A whole good request, as an attacker hides it behind another one."""
    return request(SMUGGLED)
