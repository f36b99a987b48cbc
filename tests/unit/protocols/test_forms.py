"""A form is taken only where there is nothing to forgive. What is taken here, TorchServe 0.12 read alike."""

from __future__ import annotations

import pytest

from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused
from sidecar.protocols.forms import HEAD_LIMIT_BYTES, MAX_FIELDS, TEXT_LIMIT_BYTES, URLENCODED_LIMIT_BYTES, fields

TYPE = b"multipart/form-data; boundary=B"
URLENCODED = b"application/x-www-form-urlencoded"
A = b'Content-Disposition: form-data; name="a"'
FILE = A + b'; filename="x (1).jpg"'
LONGEST = (A + b"\r\nContent-Type: ").ljust(HEAD_LIMIT_BYTES, b"x")


def part(head: bytes, content: bytes = b"1", boundary: bytes = b"B") -> bytes:
    return b"--" + boundary + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n"


def form(*parts: bytes, boundary: bytes = b"B", end: bytes = b"\r\n") -> bytes:
    return b"".join(parts) + b"--" + boundary + b"--" + end


def read(body: bytes, content_type: bytes = TYPE) -> list[tuple[str, bytes, str | None]]:
    return [(field.name, bytes(field.content), field.text) for field in fields(content_type, body)]


def refusal(body: bytes, content_type: bytes = TYPE) -> Reason:
    with pytest.raises(Refused) as caught:
        fields(content_type, body)
    (reason,) = caught.value.reasons
    return reason


@pytest.mark.parametrize(
    ("head", "content", "field"),
    [
        (A, b"1", ("a", b"1", "1")),
        (A, b"", ("a", b"", "")),
        (A, "é".encode(), ("a", "é".encode(), "é")),
        (A, b"--b", ("a", b"--b", "--b")),
        (A, b"\xff", ("a", b"\xff", None)),
        (A, b"two\r\nlines", ("a", b"two\r\nlines", None)),
        (A, b"\r\n\r\n", ("a", b"\r\n\r\n", None)),
        (A, b"x" * TEXT_LIMIT_BYTES, ("a", b"x" * TEXT_LIMIT_BYTES, "x" * TEXT_LIMIT_BYTES)),
        (A, b"x" * (TEXT_LIMIT_BYTES + 1), ("a", b"x" * (TEXT_LIMIT_BYTES + 1), None)),
        (FILE, b"1", ("a", b"1", None)),
        (LONGEST, b"1", ("a", b"1", None)),
        (FILE + b"\r\nContent-Type: image/jpeg", bytes(range(256)), ("a", bytes(range(256)), None)),
        (A + b"\r\nContent-Type: text/plain; charset=UTF-8", b"1", ("a", b"1", "1")),
        (A + b"\r\nContent-Type: text/plain; charset=utf-16", b"1", ("a", b"1", None)),
        (A + b"\r\nContent-Type: application/json", b"1", ("a", b"1", None)),
        (b'content-type:text/plain\r\nCONTENT-DISPOSITION:form-data;name="a-B.c_9"', b"1", ("a-B.c_9", b"1", "1")),
    ],
)
def test_parts(head: bytes, content: bytes, field: tuple[str, bytes, str | None]) -> None:
    assert read(form(part(head, content))) == [field]


def test_parts_come_in_their_order_and_twice_where_they_do() -> None:
    body = form(part(A, b"2"), part(FILE, b"3"), part(A, b"1"), end=b"")
    assert read(body) == [("a", b"2", "2"), ("a", b"3", None), ("a", b"1", "1")]
    assert [bytes(field.content) for field in fields(TYPE, bytearray(body))] == [b"2", b"3", b"1"]


@pytest.mark.parametrize("boundary", [b"B", b"-", b"----WebKitFormBoundary0", b"'+_.", b"x" * 70])
def test_boundaries(boundary: bytes) -> None:
    for keyword in (b" boundary", b"boundary", b"  BOUNDARY"):
        body = form(part(A, boundary=boundary), boundary=boundary)
        assert read(body, b"multipart/form-data;" + keyword + b"=" + boundary) == [("a", b"1", "1")]


FORMS = (
    "of forms, multipart/form-data with a plain boundary and nothing else is taken, "
    "and application/x-www-form-urlencoded in UTF-8"
)


@pytest.mark.parametrize(
    "content_type",
    [
        b"multipart/form-data",
        b"multipart/form-data; boundary=",
        b'multipart/form-data; boundary="B"',
        b"multipart/form-data; boundary=" + b"B" * 71,
        b"multipart/form-data; boundary=B; charset=utf-8",
        b"multipart/form-data; charset=utf-8; boundary=B",
        b"multipart/form-data; boundary=B; boundary=C",
        b"multipart/form-data; boundary=B,",
        b"multipart/form-data; boundary*=utf-8''B",
        b"Multipart/Form-Data; boundary=B",
        b"multipart/form-data-x; boundary=B",
        b"multipart/mixed; boundary=B",
        b"application/x-www-form-urlencoded; charset=utf-16",
        b"application/x-www-form-urlencoded-x",
    ],
)
def test_types_that_are_not_taken(content_type: bytes) -> None:
    assert refusal(form(part(A)), content_type) == Reason("media_type_unsupported", FORMS)


ENDS = "the body does not begin with its boundary and end with its last one"
LINES = "a boundary stands in another place than on a line of its own between two parts"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", ENDS),
        (b"a preamble\r\n" + form(part(A)), ENDS),
        (b"\r\n" + form(part(A)), ENDS),
        (form(part(A)) + b"an epilogue", ENDS),
        (form(part(A), end=b"\n"), ENDS),
        (form(part(A), end=b"\r\n\r\n"), ENDS),
        (part(A), ENDS),
        (form(part(A))[:-4], ENDS),
        (form(part(A)).replace(b"--B", b"--b"), ENDS),
        (form(), "the form has no field"),
        (form(part(A).replace(b"\r\n", b"\n")), LINES),
        (form(part(A)).replace(b"--B\r\n", b"--B \r\n"), LINES),
        (form(part(A, b"x\n--B\nContent-")), LINES),
        (form(part(A, b"x--B")), LINES),
        (form(part(A, b"x\r\n--Bx")), LINES),
        (form(part(A, b"x\r\n--B--\r\n")), LINES),
        (form(b"--B\r\n" + A + b"\r\n\r\n"), LINES),
        (form(b"--B\r\n" + A + b"\r\n"), LINES),
        (form(b"--B\r\n"), LINES),
    ],
)
def test_delimiters_are_strict(body: bytes, message: str) -> None:
    assert refusal(body) == Reason("body_malformed", message)


DISPOSITION = (
    'a part has no Content-Disposition: form-data; name="NAME", of letters, digits and _.- alone, '
    "with at most a filename in which nothing is escaped"
)
HEADERS = "a part has another header than one Content-Disposition and one Content-Type"


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (b"Content-Type: text/plain", DISPOSITION),
        (b'Content-Disposition: attachment; name="a"', DISPOSITION),
        (b"Content-Disposition: form-data; name=a", DISPOSITION),
        (b'Content-Disposition: form-data; name=""', DISPOSITION),
        (b'Content-Disposition: form-data; name="%s"' % (b"a" * 129), DISPOSITION),
        (b'Content-Disposition: form-data; name="a\\"b"', DISPOSITION),
        (b'Content-Disposition: form-data; name="a%22"', DISPOSITION),
        (b'Content-Disposition: form-data; name="a b"', DISPOSITION),
        (b'Content-Disposition: form-data; name="a:b"', DISPOSITION),
        (b'Content-Disposition: form-data; filename="x"; name="a"', DISPOSITION),
        (A + b'; name="b"', DISPOSITION),
        (A + b"; name*=utf-8''b", DISPOSITION),
        (A + b'; filename=""', DISPOSITION),
        (A + b'; filename="x\\"; name=\\"b"', DISPOSITION),
        (A + b'; filename="x%22"', DISPOSITION),
        (A + b'; filename="x;y"', DISPOSITION),
        (A + b"; filename*=utf-8''x", DISPOSITION),
        (A + b";", DISPOSITION),
        (A + b"\r\n" + A, HEADERS),
        (A + b"\r\nContent-Transfer-Encoding: base64", HEADERS),
        (A + b"\r\nContent-Length: 1", HEADERS),
        (A + b"\r\nX-Data-Version: v", HEADERS),
        (A + b"\r\n folded", HEADERS),
        (A + b"\nContent-Type: text/plain", HEADERS),
        (A + b" ", HEADERS),
        (A.replace(b": ", b" : "), HEADERS),
        (A.replace(b": ", b":\t"), HEADERS),
        (A + b"\x00", HEADERS),
        (A + "; filename=é".encode(), HEADERS),
        (A + b"\r\nContent-Type: multipart/mixed; boundary=C", "a part holds parts of its own"),
        (A + b"\r\nContent-Type: Message/rfc822", "a part holds parts of its own"),
        (LONGEST + b"x", f"a part's headers are over {HEAD_LIMIT_BYTES} bytes"),
    ],
)
def test_part_headers_are_strict(head: bytes, message: str) -> None:
    assert refusal(form(part(head))) == Reason("body_malformed", message)


def test_a_part_without_headers() -> None:
    assert refusal(form(b"--B\r\n\r\n\r\n\r\n1\r\n")) == Reason("body_malformed", HEADERS)
    assert refusal(form(b"--B\r\n\r\n1\r\n")) == Reason("body_malformed", HEADERS)


def test_the_number_of_fields_is_bounded() -> None:
    assert len(fields(TYPE, form(*[part(A)] * MAX_FIELDS))) == MAX_FIELDS
    assert len(fields(URLENCODED, b"&".join([b"a=1"] * MAX_FIELDS))) == MAX_FIELDS
    many = Reason("body_malformed", f"the form has more than {MAX_FIELDS} fields")
    assert refusal(form(*[part(A)] * (MAX_FIELDS + 1))) == many
    assert refusal(b"&".join([b"a=1"] * (MAX_FIELDS + 1)), URLENCODED) == many


def test_an_urlencoded_form_is_bounded() -> None:
    most = b"a=" + b"1" * (URLENCODED_LIMIT_BYTES - 2)
    assert [field.name for field in fields(URLENCODED, most)] == ["a"]
    assert refusal(most + b"1", URLENCODED) == Reason(
        "body_malformed", f"the form is over {URLENCODED_LIMIT_BYTES} bytes; multipart/form-data may be longer"
    )


@pytest.mark.parametrize(
    ("body", "read_as"),
    [
        (b"a=1", [("a", b"1", "1")]),
        (b"a=", [("a", b"", "")]),
        (b"a=x+y%20z%2B&b-B.c_9=%C3%a9", [("a", b"x y z+", "x y z+"), ("b-B.c_9", "é".encode(), "é")]),
        (b"a=.~!$'()*,:@/?-", [("a", b".~!$'()*,:@/?-", ".~!$'()*,:@/?-")]),
        (b"a=%26b%3D1", [("a", b"&b=1", "&b=1")]),
        (b"a=%FF&a=%0D%0A", [("a", b"\xff", None), ("a", b"\r\n", None)]),
    ],
)
def test_urlencoded(body: bytes, read_as: list[tuple[str, bytes, str | None]]) -> None:
    for content_type in (URLENCODED, URLENCODED + b"; charset=UTF-8", b"Application/X-WWW-Form-URLEncoded"):
        assert read(body, content_type) == read_as


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"a",
        b"=1",
        b"a=1&",
        b"&a=1",
        b"a=1&&b=2",
        b"a=1;b=2",
        b"a=b=c",
        b"a=%zz",
        b"a=%2",
        b"%61=1",
        b"a+b=1",
        b"a[]=1",
        b"a=1\r\n",
        b"a=1 2",
        b'{"income":50}',
        b"a=\xc3\xa9",
        b"a=1#b",
    ],
)
def test_urlencoded_is_strict(body: bytes) -> None:
    assert refusal(body, URLENCODED) == Reason(
        "body_malformed",
        "the form is not NAME=VALUE joined by &, with names of letters, digits and _.- alone, and values "
        "percent-encoded",
    )
