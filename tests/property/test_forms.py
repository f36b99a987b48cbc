"""However the parts of a form are written, they are read the same; and another parser reads them so, too."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import HTTP
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, quote_plus

from hypothesis import assume, example, given
from hypothesis import strategies as st

from sidecar.model.refusal import Refused
from sidecar.protocols.forms import fields

if TYPE_CHECKING:
    from collections.abc import Sequence

URLENCODED = b"application/x-www-form-urlencoded"
BOUNDARIES = st.text("0123456789ABCxyz'+_.-", min_size=1, max_size=70)
NAMES = st.text("abcXYZ019_.-", min_size=1, max_size=12)
CONTENTS = st.binary(max_size=40) | st.text(max_size=20).map(str.encode) | st.sampled_from([b"\r\n", b"--", b"-\r\n--"])
FILE_NAMES = st.none() | st.text("abc 09._()[]=:,'/", min_size=1, max_size=12)
PARTS = st.lists(st.tuples(NAMES, FILE_NAMES, CONTENTS), min_size=1, max_size=5)


@st.composite
def written(draw: st.DrawFn, boundary: str, parts: Sequence[tuple[str, str | None, bytes]]) -> bytes:
    """The parts as some client writes them: spaces, case, the order of headers, types that change nothing."""
    body = b""
    for name, file_name, content in parts:
        space = draw(st.sampled_from(["", " ", "  "]))
        disposition = f'form-data;{space}name="{name}"'
        if file_name is not None:
            disposition += f';{space}filename="{file_name}"'
        types = ["text/plain", "Text/Plain; charset=UTF-8"] if file_name is None else ["image/png", "text/csv"]
        headers = [f"{draw(st.sampled_from(['Content-Disposition', 'content-disposition']))}:{space}{disposition}"]
        if draw(st.booleans()):
            headers.append(f"Content-TYPE:{space}{draw(st.sampled_from(types))}")
        head = "\r\n".join(draw(st.permutations(headers)))
        body += f"--{boundary}\r\n{head}\r\n\r\n".encode() + content + b"\r\n"
    return body + f"--{boundary}--".encode() + draw(st.sampled_from([b"", b"\r\n"]))


def multipart(boundary: str) -> bytes:
    return f"multipart/form-data; boundary={boundary}".encode()


def read(content_type: bytes, body: bytes) -> list[tuple[str, bytes]] | None:
    """Names and contents; None where the form is refused. Any other exception fails the test."""
    try:
        found = fields(content_type, body)
    except Refused:
        return None
    return [(field.name, bytes(field.content)) for field in found]


@given(st.data(), BOUNDARIES, PARTS)
def test_the_writing_of_a_form_does_not_matter(
    data: st.DataObject, boundary: str, parts: list[tuple[str, str | None, bytes]]
) -> None:
    assume(all(f"--{boundary}".encode() not in b"\r\n" + content + b"\r\n" for _, _, content in parts))
    assume(all(f"--{boundary}" not in f"{name} {file_name}" for name, file_name, _ in parts))
    assume(not f"--{boundary}".endswith("-") or all(not content.endswith(b"-") for _, _, content in parts))
    expected = [(name, content) for name, _, content in parts]
    assert read(multipart(boundary), data.draw(written(boundary, parts))) == expected


PIECES = st.sampled_from(
    [
        b"--B",
        b"--B\r\n",
        b"--B--",
        b"--B--\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b"--",
        b" ",
        b'Content-Disposition: form-data; name="a"',
        b'Content-Disposition: form-data; name="b"; filename="c"',
        b"Content-Type: text/plain",
        b"Content-Transfer-Encoding: base64",
        b"\r\n\r\n",
        b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n',
        b"x",
    ]
)


@example(b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n-\r\n--B--')
@given(st.lists(PIECES, max_size=12).map(b"".join) | st.binary(max_size=60))
def test_what_we_take_another_parser_reads_the_same(body: bytes) -> None:
    ours = read(multipart("B"), body)
    if ours is None:
        return
    message = message_from_bytes(b"Content-Type: multipart/form-data; boundary=B\r\n\r\n" + body, policy=HTTP)
    theirs = [
        (part.get_param("name", header="content-disposition"), part.get_payload(decode=True))
        for part in message.iter_parts()
    ]
    assert ours == theirs


@given(st.lists(st.tuples(NAMES, st.text(max_size=12)), min_size=1, max_size=5), st.booleans())
def test_the_writing_of_a_urlencoded_form_does_not_matter(pairs: list[tuple[str, str]], plus: bool) -> None:
    encode = quote_plus if plus else quote
    body = "&".join(f"{name}={encode(value, safe='')}" for name, value in pairs).encode()
    assert read(URLENCODED, body) == [(name, value.encode()) for name, value in pairs]


@given(st.text("ab=&+%41;.,/ \r\né", max_size=20).map(str.encode) | st.binary(max_size=30))
def test_a_urlencoded_form_that_we_take_another_parser_reads_the_same(body: bytes) -> None:
    ours = read(URLENCODED, body)
    if ours is not None:
        theirs = parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True, encoding="latin-1")
        assert ours == [(name, value.encode("latin-1")) for name, value in theirs]


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_any_bytes_are_a_form_or_refused(content_type: bytes, body: bytes) -> None:
    read(content_type, body)
    read(b"multipart/form-data;" + content_type, body)
