"""Header fields (RFC 9110 section 5, RFC 9112 section 5): names, values, repetitions, sizes, hop-by-hop."""

from __future__ import annotations

from tests.hostile.case import HOST, PATH, Case, Fate, head, passed, refused, request


def field(name: str, *lines: bytes) -> Case:
    return refused(f"field {name}", request(*lines))


def host(name: str, *lines: bytes) -> Case:
    return refused(f"host {name}", request(*lines, without=(HOST,)))


def too_large(name: str, *lines: bytes) -> Case:
    return refused(f"field {name}", request(*lines), 431)


CASES = [
    # Names
    field("without colon", b"X"),
    field("with empty name", b": x"),
    field("space before colon", b"X : y"),
    field("tab before colon", b"X\t: y"),
    field("space in its name", b"X Y: z"),
    field("name in brackets", b"X[y]: z"),
    field("name in parentheses", b"X(y): z"),
    field("name with slash", b"X/y: z"),
    field("name with at", b"X@y: z"),
    field("name with quotes", b'"X": z'),
    field("name with NUL", b"X\x00: y"),
    field("name with control", b"X\x01: y"),
    field("name with DEL", b"X\x7f: y"),
    field("name in Latin-1", b"X\xe9: y"),
    field("name with full-width hyphen", "X\uff0dData\uff0dVersion: stale".encode()),
    field("name with soft hyphen", "X-Data\u00ad-Version: stale".encode()),
    field("name is a request line", b"GET / HTTP/1.1"),
    # Values
    field("NUL in its value", b"X: a\x00b"),
    field("CR in its value", b"X: a\rb"),
    field("LF in its value", b"X: a\nb"),
    field("control in its value", b"X: a\x01b"),
    field("vertical tab in its value", b"X: a\x0bb"),
    field("escape in its value", b"X: a\x1b[2Jb"),
    field("DEL in its value", b"X: a\x7fb"),
    field("0x80 in its value", b"X: a\x80b"),
    field("0xFF in its value", b"X: a\xff"),
    field("UTF-8 in its value", "X: é".encode()),
    field("a lone 0xA0", b"X: \xa0"),
    # Folding
    field("folded with space", b"X: a\r\n b"),
    field("folded with tab", b"X: a\r\n\tb"),
    field("folded, nothing first", b"X:\r\n b"),
    field("folded, nothing after", b"X: a\r\n "),
    field("folded over two lines", b"X: a\r\n b\r\n c"),
    refused("first field folded", request().replace(b"\r\n", b"\r\n ", 1)),
    # Host
    host("missing"),
    host("twice", HOST, HOST),
    host("twice, different", HOST, b"Host: other"),
    host("twice, other case", HOST, b"hOST: other"),
    host("empty", b"Host:"),
    host("blank", b"Host:   "),
    host("with path", b"Host: sidecar/x"),
    host("with user", b"Host: user@sidecar"),
    host("with space", b"Host: side car"),
    host("with comma", b"Host: sidecar, other?"),
    host("with backslash", b"Host: side\\car"),
    host("with quotes", b'Host: "sidecar"'),
    host("with fragment", b"Host: sidecar#x"),
    host("with query", b"Host: sidecar?x"),
    host("folded", b"Host:\r\n sidecar"),
    host("space before colon", b"Host : sidecar"),
    refused("host missing in HTTP/1.0", request(line=b"POST " + PATH + b" HTTP/1.0", without=(HOST,))),
    # Once only
    field("Content-Type twice", b"Content-Type: text/plain"),
    field("Content-Type twice, equal", b"content-type: application/json"),
    refused("Expect twice", head(b"Expect: 100-continue", b"Expect: 100-continue", b"Content-Length: 1") + b"x"),
    refused("Expect unknown", head(b"Expect: 200-ok", b"Content-Length: 1") + b"x", 400, 417),
    refused("Expect listed", head(b"Expect: 100-continue, x", b"Content-Length: 1") + b"x", 400, 417),
    refused("Expect with NUL", head(b"Expect: 100-continue\x00", b"Content-Length: 1") + b"x", 400, 417),
    refused("Expect and too long", head(b"Expect: 100-continue", b"Content-Length: 9000000"), 413),
    # Sizes
    too_large("of 70 KB", b"X: " + b"a" * 70_000),
    too_large("of 9 KB", b"X: " + b"a" * 9_000),
    too_large("name of 70 KB", b"X" * 70_000 + b": y"),
    too_large("padding of 70 KB", b"X:" + b" " * 70_000 + b"y"),
    too_large("5,000 of them", *(b"X%d: y" % i for i in range(5_000))),
    too_large("101 of them", *(b"X%d: y" % i for i in range(101))),
    too_large("5,000 of one name", *(b"X: y" for _ in range(5_000))),
    too_large("17 KB in all", *(b"X%d: " % i + b"a" * 1_000 for i in range(17))),
    too_large("cookie of 60 KB", b"Cookie: " + b"a=b; " * 12_000),
    too_large("token of 1 MB", b"X-Consent-Token: " + b"a" * 1_000_000),
    # Hop-by-hop: nothing that `Connection` names passes, and nothing of ours goes with it
    passed("Connection names the decision", request(b"Connection: X-Decision-Id, X-Policy-Revision")),
    passed("Connection names Host", request(b"Connection: Host")),
    passed("Connection names the length", request(b"Connection: Content-Length, traceparent, X-Request-Id")),
    passed("Connection with odd tokens", request(b"Connection: ,,@, keep-alive;x, \t")),
    passed("TE, Trailer, Keep-Alive", request(b"TE: trailers", b"Trailer: X-Data-Version", b"Keep-Alive: 5")),
    passed("Proxy-Connection", request(b"Proxy-Connection: keep-alive", b"Proxy-Authorization: Basic x")),
    passed("Connection: close", request(b"Connection: close"), Fate.CLOSED),
    passed("Connection: CLOSE", request(b"Connection: x, CLOSE"), Fate.CLOSED),
    passed("Connection twice", request(b"Connection: keep-alive", b"Connection: close"), Fate.CLOSED),
    Case(
        "Connection names a governed field",
        request(b"Connection: X-Data-Version"),
        ((400,),),  # a field that does not go on is not judged either
        Fate.KEPT,
    ),
    Case("Connection names the content type", request(b"Connection: Content-Type"), ((415,),), Fate.KEPT),
    Case("Connection names the token", request(b"Connection: X-Consent-Token"), ((401,),), Fate.KEPT),
    # Ours, or nobody's
    passed("client says X-Forwarded-*", request(b"X-Forwarded-For: 1.2.3.4", b"X-Forwarded-Anything: x")),
    passed("client says Forwarded", request(b"Forwarded: for=1.2.3.4", b"X-Real-IP: 1.2.3.4")),
    passed(
        "client says a decision", request(b"X-Decision-Id: 1", b"X-Policy-Revision: mine", b"X-Decision-Fallback: 1")
    ),
    passed("client says an unsampled trace", request(b"traceparent: 00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-00")),
    passed("client says two traces", request(b"traceparent: x", b"traceparent: y")),
    passed(
        "method override", request(b"X-HTTP-Method-Override: DELETE", b"X-Method-Override: PUT", b"X-HTTP-Method: GET")
    ),
    passed("path override", request(b"X-Original-URL: /v2/repository/index", b"X-Rewrite-URL: /x")),
    passed("range and conditions", request(b"Range: bytes=0-1", b"If-None-Match: *", b"If-Range: x")),
    passed("asks for compression", request(b"Accept-Encoding: br, zstd;q=1, gzip;q=0.5")),
    Case("expectation is met", head(b"Expect: 100-Continue", b"Content-Length: 0"), ((400,),), Fate.KEPT),
]
