"""Request lines, line ends and what is no HTTP/1.1 at all (RFC 9112, sections 2 and 3)."""

from __future__ import annotations

from tests.hostile.case import BODY, GOOD_FIELDS, LINE, PATH, Case, declined, head, passed, refused, request

FIELDS = b"\r\n".join([*GOOD_FIELDS, b"Content-Length: %d" % len(BODY)]) + b"\r\n\r\n"
WHOLE = request()


def line(name: str, text: bytes, *statuses: int) -> Case:
    return refused(f"line {name}", request(line=text), *statuses)


def method(name: str, word: bytes, *statuses: int) -> Case:
    return refused(f"method {name}", request(line=word + b" " + PATH + b" HTTP/1.1"), *statuses or (400, 405))


def version(name: str, word: bytes) -> Case:
    return refused(f"version {name}", request(line=b"POST " + PATH + b" " + word), 400, 505)


CASES = [
    # Line ends
    refused("LF for CRLF everywhere", WHOLE.replace(b"\r\n", b"\n")),
    refused("CR for CRLF everywhere", WHOLE.replace(b"\r\n", b"\r"), half_closes=True),
    refused("LF after the request line", LINE + b"\n" + FIELDS + BODY),
    refused("CR after the request line", LINE + b"\r" + FIELDS + BODY),
    refused("LF after the first field", WHOLE.replace(b"Host: sidecar\r\n", b"Host: sidecar\n")),
    refused("CR after the first field", WHOLE.replace(b"Host: sidecar\r\n", b"Host: sidecar\r")),
    refused("LFCR", WHOLE.replace(b"\r\n", b"\n\r", 1)),
    refused("CRCRLF", WHOLE.replace(b"\r\n", b"\r\r\n", 1)),
    refused("the empty line is LF", head(b"Content-Length: %d" % len(BODY))[:-2] + b"\n" + BODY),
    refused("the empty line is CR", head(b"Content-Length: %d" % len(BODY))[:-2] + b"\r" + BODY),
    refused("space in the empty line", head(b"Content-Length: %d" % len(BODY))[:-2] + b" \r\n" + BODY),
    # Versions
    version("0.9", b"HTTP/0.9"),
    version("1.2", b"HTTP/1.2"),
    version("2.0", b"HTTP/2.0"),
    version("1", b"HTTP/1"),
    version("1.10", b"HTTP/1.10"),
    version("01.1", b"HTTP/01.1"),
    version("1,1", b"HTTP/1,1"),
    version("lower case", b"http/1.1"),
    version("HTTPS", b"HTTPS/1.1"),
    version("ICE", b"ICE/1.0"),
    version("space within", b"HTTP / 1.1"),
    version("tab before", b"\tHTTP/1.1"),
    version("twice", b"HTTP/1.1 HTTP/1.1"),
    refused("HTTP/0.9 without version", b"POST " + PATH + b"\r\n" + FIELDS + BODY),
    refused("HTTP/0.9 GET", b"GET " + PATH + b"\r\n\r\n"),
    # Methods
    method("lower case", b"post"),
    method("mixed case", b"Post"),
    method("empty", b""),
    method("tab before", b"\tPOST"),
    method("tab after", b"POST\t"),
    method("NUL in it", b"PO\x00ST"),
    method("with a body of the last", b"}POST"),
    method("unknown", b"INFER"),
    method("of 20 KB", b"A" * 20_000, 400, 431),
    method("CONNECT", b"CONNECT", 400, 405),
    method("TRACE", b"TRACE", 405),
    method("TRACK", b"TRACK"),
    method("DEBUG", b"DEBUG"),
    method("PROPFIND", b"PROPFIND", 405),
    method("PURGE", b"PURGE", 405),
    method("QUERY", b"QUERY", 405, 400),
    method("PRI", b"PRI"),
    method("SOURCE", b"SOURCE"),
    method("M-SEARCH", b"M-SEARCH", 405),
    method("DESCRIBE", b"DESCRIBE"),
    refused("CONNECT in authority-form", request(line=b"CONNECT model:8000 HTTP/1.1"), 405),
    refused("CONNECT without body", head(line=b"CONNECT 127.0.0.1:80 HTTP/1.1"), 405),
    *(
        declined(f"method {word.decode()} on infer", request(line=word + b" " + PATH + b" HTTP/1.1"), 405)
        for word in (b"GET", b"PUT", b"PATCH", b"DELETE", b"OPTIONS")
    ),
    declined("method HEAD on infer", head(line=b"HEAD " + PATH + b" HTTP/1.1"), 405),
    # Request lines
    line("with a tab for the first space", b"POST\t" + PATH + b" HTTP/1.1"),
    line("with a tab for the second space", b"POST " + PATH + b"\tHTTP/1.1"),
    line("begins with a space", b" " + LINE),
    line("ends in a tab", LINE + b"\t"),
    line("with NUL", LINE + b"\x00"),
    line("without target", b"POST HTTP/1.1"),
    line("alone", b"POST"),
    line("of a space", b" "),
    line("with two targets", b"POST " + PATH + b" /ping HTTP/1.1"),
    line("with vertical tab", b"POST\x0b" + PATH + b" HTTP/1.1"),
    line("with no-break space", b"POST\xa0" + PATH + b" HTTP/1.1"),
    # Not HTTP/1.1
    refused("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00", 400, 505),
    refused("TLS greeting", bytes.fromhex("160301020001000001fc0303") + b"\x00" * 80),
    refused("SSLv2 greeting", bytes.fromhex("802e010301001500000010")),
    refused("SOCKS 5", b"\x05\x01\x00\r\n"),
    refused("PROXY protocol 1", b"PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n" + WHOLE),
    refused("PROXY protocol 2", b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + b"\x00" * 12 + WHOLE),
    refused("a response", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    refused("NUL bytes", b"\x00" * 64),
    refused("SMTP", b"EHLO sidecar\r\n"),
    refused("Redis", b"*1\r\n$4\r\nPING\r\n"),
    refused("JSON", BODY, half_closes=True),
    # Good, however odd
    passed("empty lines before", b"\r\n\r\n" + WHOLE),
    passed("RTSP for HTTP", request(line=b"POST " + PATH + b" RTSP/1.1")),
    passed("two spaces in the line", request(line=b"POST  " + PATH + b"  HTTP/1.1")),
]
