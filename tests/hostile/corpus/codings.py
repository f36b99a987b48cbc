"""Content codings (RFC 9110 section 8.4) in front of a server that decodes gzip and deflate itself (Triton).

What passes is judged as decoded and forwarded as it came; what two decoders read in two ways is refused.
"""

from __future__ import annotations

import gzip
import zlib

from tests.hostile.case import BODY, VERSION, Case, declined, passed, request

GZIP, DEFLATE = b"Content-Encoding: gzip", b"Content-Encoding: deflate"
ZIPPED = gzip.compress(BODY, mtime=0)
STALE = gzip.compress(b'{"parameters":{"data_version":"stale"},' + BODY[1:], mtime=0)
RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
RAW_DEFLATE = RAW.compress(BODY) + RAW.flush()
MIB = 1 << 20


def bomb(mib: int) -> bytes:
    """That many MiB of spaces before the body."""
    pack = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    return b"".join([*(pack.compress(b" " * MIB) for _ in range(mib)), pack.compress(BODY), pack.flush()])


def gzipped(name: str, body: bytes, *statuses: int) -> Case:
    return declined(f"gzip {name}", request(GZIP, body=body), *statuses or (400,))


def deflated(name: str, body: bytes) -> Case:
    return declined(f"deflate {name}", request(DEFLATE, body=body), 400)


def labelled(name: str, *fields: bytes, body: bytes = ZIPPED) -> Case:
    return declined(f"coding {name}", request(*fields, body=body), 400, 415)


CASES = [
    passed("gzip", request(GZIP, body=ZIPPED)),
    passed("gzip, its field in capitals", request(b"CONTENT-ENCODING: gzip", body=ZIPPED)),
    passed("gzip of a body between spaces", request(GZIP, body=gzip.compress(b" " * 100_000 + BODY))),
    passed("deflate", request(DEFLATE, body=zlib.compress(BODY))),
    passed("identity", request(b"Content-Encoding: identity")),
    declined("gzip says a stale version", request(GZIP, body=STALE, without=(VERSION,)), 403),
    declined("gzip says another version than the header", request(GZIP, body=STALE), 400),
    # Bombs
    gzipped("bomb of 9 MiB", bomb(9), 413, 415),
    gzipped("bomb of 200 MiB", bomb(200), 413, 415),
    gzipped("bomb within", gzip.compress(bomb(9)), 400),
    # What decoders read in different ways
    gzipped("of two members", ZIPPED + ZIPPED),
    gzipped("of two members, one stale", gzip.compress(BODY[:10]) + gzip.compress(BODY[10:])),
    gzipped("with an empty member behind", ZIPPED + gzip.compress(b"")),
    gzipped("with an empty member before", gzip.compress(b"") + ZIPPED),
    gzipped("with garbage behind", ZIPPED + b"x"),
    gzipped("with a NUL behind", ZIPPED + b"\x00"),
    gzipped("with plain JSON behind", ZIPPED + BODY),
    gzipped("cut in its trailer", ZIPPED[:-3]),
    gzipped("without its trailer", ZIPPED[:-8]),
    gzipped("cut in its data", ZIPPED[: len(ZIPPED) // 2]),
    gzipped("with a wrong checksum", ZIPPED[:-8] + b"\x00\x00\x00\x00" + ZIPPED[-4:]),
    gzipped("with a wrong length", ZIPPED[:-4] + b"\xff\xff\xff\xff"),
    gzipped("with a reserved flag", ZIPPED[:3] + b"\x80" + ZIPPED[4:]),
    gzipped("with an unknown method", ZIPPED[:2] + b"\x07" + ZIPPED[3:]),
    gzipped("in name, plain", BODY),
    gzipped("in name, deflate", zlib.compress(BODY)),
    gzipped("of nothing", gzip.compress(b"")),
    gzipped("empty", b""),
    gzipped("twice over", gzip.compress(ZIPPED)),
    gzipped("of no JSON", gzip.compress(b"\x00\xff")),
    gzipped("of JSON and more", gzip.compress(BODY + b"x")),
    gzipped("of a key twice", gzip.compress(b'{"a":1,"a":2,' + BODY[1:])),
    deflated("raw", RAW_DEFLATE),
    deflated("with garbage behind", zlib.compress(BODY) + b"x"),
    deflated("cut", zlib.compress(BODY)[:-2]),
    deflated("in name, gzip", ZIPPED),
    deflated("in name, plain", BODY),
    deflated("with a dictionary", b"\x78\xbb\x00\x00\x00\x01" + RAW_DEFLATE),
    # Labels
    declined("no label on gzip", request(body=ZIPPED), 400),
    labelled("gzip in capitals", b"Content-Encoding: GZIP"),
    labelled("br", b"Content-Encoding: br"),
    labelled("zstd", b"Content-Encoding: zstd"),
    labelled("compress", b"Content-Encoding: compress"),
    labelled("x-gzip", b"Content-Encoding: x-gzip"),
    labelled("unknown", b"Content-Encoding: x"),
    labelled("empty", b"Content-Encoding:", body=BODY),
    labelled("gzip, gzip", b"Content-Encoding: gzip, gzip", body=gzip.compress(ZIPPED)),
    labelled("gzip, identity", b"Content-Encoding: gzip, identity"),
    labelled("identity, gzip", b"Content-Encoding: identity, gzip"),
    labelled("deflate, gzip", b"Content-Encoding: deflate, gzip"),
    labelled("comma before", b"Content-Encoding: ,gzip"),
    labelled("comma after", b"Content-Encoding: gzip,"),
    labelled("with parameter", b"Content-Encoding: gzip;q=1"),
    labelled("quoted", b'Content-Encoding: "gzip"'),
    labelled("twice", GZIP, GZIP),
    labelled("twice, identity first", b"Content-Encoding: identity", GZIP),
    labelled("twice, identity last", GZIP, b"Content-Encoding: identity"),
    labelled("with underscore", b"Content_Encoding: gzip"),
    labelled("named by Connection", GZIP, b"Connection: Content-Encoding"),
]
