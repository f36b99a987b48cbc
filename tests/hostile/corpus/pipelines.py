"""Several requests in one write: each is judged by itself, answered in order, and nothing runs over into the next."""

from __future__ import annotations

from tests.hostile.case import BODY, VERSION, Case, Fate, chunked, head, in_chunks, refused, request, smuggled

GOOD = request()
STALE = request(b"X-Data-Version: stale", without=(VERSION,))
BROKEN = request(b"X: \x00")
UNKNOWN = request(line=b"POST /v2/models/credit/nothing HTTP/1.1")
BAD_JSON = request(body=b"{" * 20)
INNER = b"POST /v2/models/credit/infer HTTP/1.1\r\nHost: a\r\nX-Smuggled: yes\r\nContent-Length: 0\r\n\r\n"
OK, FORBIDDEN, BAD, MISSING = (200,), (403,), (400,), (404,)

CASES = [
    Case("good, good", GOOD + GOOD, (OK, OK), Fate.KEPT, reaches=2),
    Case("good, denied", GOOD + STALE, (OK, FORBIDDEN), Fate.KEPT, reaches=1),
    Case("denied, good", STALE + GOOD, (FORBIDDEN, OK), Fate.KEPT, reaches=1),
    Case("denied, denied, good", STALE + STALE + GOOD, (FORBIDDEN, FORBIDDEN, OK), Fate.KEPT, reaches=1),
    Case("good, broken, good", GOOD + BROKEN + smuggled(), (OK, BAD), Fate.CLOSED, reaches=1),
    Case("broken, good", BROKEN + smuggled(), (BAD,), Fate.CLOSED),
    Case("unknown endpoint, good", UNKNOWN + GOOD, (MISSING, OK), Fate.KEPT, reaches=1),
    Case("bad JSON, good", BAD_JSON + GOOD, (BAD, OK), Fate.KEPT, reaches=1),
    Case("good, then garbage", GOOD + b"\x16\x03\x01", (OK, BAD), Fate.CLOSED, reaches=1),
    Case("close, then good", request(b"Connection: close") + smuggled(), (OK,), Fate.CLOSED, reaches=1),
    Case(
        "HTTP/1.0, then good",
        request(line=b"POST /v2/models/credit/infer HTTP/1.0") + smuggled(),
        (OK,),
        Fate.CLOSED,
        reaches=1,
    ),
    Case("20 good", GOOD * 20, (OK,) * 20, Fate.KEPT, reaches=20),
    Case("good and denied in turn", (GOOD + STALE) * 8, (OK, FORBIDDEN) * 8, Fate.KEPT, reaches=8),
    Case("chunked, length, chunked", chunked(chunks=in_chunks()) * 2 + GOOD, (OK,) * 3, Fate.KEPT, reaches=3),
    Case(
        "chunked with trailers, then good",
        chunked(chunks=in_chunks(trailers=b"X-Data-Version: stale\r\nHost: other\r\n")) + GOOD,
        (OK, OK),
        Fate.KEPT,
        reaches=2,
    ),
    Case("denied, its body looks like a request", request(body=INNER) + GOOD, (BAD, OK), Fate.KEPT, reaches=1),
    Case("too long and never sent, then good", head(b"Content-Length: 9000000") + smuggled(), ((413,),), Fate.CLOSED),
    Case("too long in chunks", chunked(chunks=b"900000\r\n" + b" " * 0x900000), ((413,),), Fate.CLOSED),
    Case("one byte too many", GOOD + b"x" + smuggled(), (OK, (400, 405)), Fate.CLOSED, reaches=1),
    Case("one byte too few", GOOD[:-1] + smuggled(), (BAD, (400, 405)), Fate.CLOSED),
    Case("CRLF too many between", GOOD + b"\r\n" + GOOD, (OK, OK), Fate.KEPT, reaches=2),
    refused(
        "CL 0, body is a request, TE behind", head(b"Content-Length: 0", b"Transfer-Encoding: chunked") + smuggled()
    ),
    Case("body after CL 0", head(b"Content-Length: 0") + BODY + smuggled(), (BAD, (400, 405)), Fate.CLOSED),
]
