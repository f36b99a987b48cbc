"""Where a request ends (RFC 9112, sections 6 and 7): two readers that disagree make one request two."""

from __future__ import annotations

from tests.hostile.case import BODY, Case, Fate, chunked, head, in_chunks, passed, refused, request, smuggled

LENGTH = b"Content-Length: %d" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked"
NONE = b"0\r\n\r\n"
WHOLE = in_chunks()


def length(name: str, value: bytes) -> Case:
    return refused(f"length {name}", head(b"Content-Length:" + value) + BODY + smuggled())


def coding(name: str, *fields: bytes) -> Case:
    return refused(f"coding {name}", head(*fields) + WHOLE + smuggled(), 400, 501)


def chunk(name: str, chunks: bytes) -> Case:
    return refused(f"chunk {name}", chunked(chunks=chunks + NONE) + smuggled())


def size(name: str, text: bytes) -> Case:
    """A chunk-size line that somebody might read as the right one."""
    return chunk(f"size {name}", text + b"\r\n" + BODY + b"\r\n")


HEX = b"%x" % len(BODY)

CASES = [
    # Length and coding together, in either order, in any spelling
    refused("CL then TE", head(LENGTH, CHUNKED) + NONE + smuggled()),
    refused("TE then CL", head(CHUNKED, LENGTH) + NONE + smuggled()),
    refused("CL that fits and TE", head(b"Content-Length: %d" % len(WHOLE), CHUNKED) + WHOLE + smuggled()),
    refused("CL 0 and TE", head(b"Content-Length: 0", CHUNKED) + WHOLE + smuggled()),
    refused("TE and empty CL", head(CHUNKED, b"Content-Length:") + WHOLE + smuggled()),
    refused("CL and TE in lower case", head(b"content-length: 5", b"transfer-encoding: chunked") + WHOLE),
    refused("CL and TE identity", head(LENGTH, b"Transfer-Encoding: identity") + BODY, 400, 501),
    refused("CL and empty TE", head(LENGTH, b"Transfer-Encoding:") + BODY, 400, 501),
    refused("CL and TE on HTTP/1.0", head(LENGTH, CHUNKED, line=b"POST /v2/models/credit/infer HTTP/1.0") + WHOLE),
    refused("TE on HTTP/1.0", head(CHUNKED, line=b"POST /v2/models/credit/infer HTTP/1.0") + WHOLE),
    # Lengths
    refused("two CL, different", head(LENGTH, b"Content-Length: 3") + BODY + smuggled()),
    refused("two CL, equal", head(LENGTH, LENGTH) + BODY + smuggled()),
    refused("two CL, other case", head(LENGTH, b"CONTENT-LENGTH: 3") + BODY + smuggled()),
    refused("two CL apart", head(LENGTH, b"X: y", b"Content-Length: 0") + BODY + smuggled()),
    length("plus", b" +%d" % len(BODY)),
    length("minus", b" -%d" % len(BODY)),
    length("minus zero", b" -0"),
    length("empty", b""),
    length("only space", b"   "),
    length("only tab", b"\t"),
    length("list of equals", b" %d, %d" % (len(BODY), len(BODY))),
    length("list of different", b" %d, 0" % len(BODY)),
    length("list with empty", b" %d," % len(BODY)),
    length("list before", b" ,%d" % len(BODY)),
    length("hexadecimal", b" 0x4a"),
    length("octal", b" 0o112"),
    length("decimal point", b" %d.0" % len(BODY)),
    length("exponent", b" 7e1"),
    length("underscore", b" 7_4"),
    length("inner space", b" 7 4"),
    length("inner tab", b" 7\t4"),
    length("quoted", b' "%d"' % len(BODY)),
    length("with unit", b" %db" % len(BODY)),
    length("with semicolon", b" %d;x" % len(BODY)),
    length("2^64", b" 18446744073709551616"),
    length("2^64 + length", b" %d" % (2**64 + len(BODY))),
    length("100 digits", b" " + b"9" * 100),
    length("5000 digits", b" " + b"0" * 4_990 + b"%d" % len(BODY)),
    length("21 digits", b" " + b"%021d" % len(BODY)),
    length("Arabic digits", " ٧٤".encode()),
    length("after vertical tab", b" \x0b%d" % len(BODY)),
    length("before form feed", b" %d\x0c" % len(BODY)),
    length("before NUL", b" %d\x00" % len(BODY)),
    length("before no-break space", b" %d\xa0" % len(BODY)),
    refused("length beyond the limit", head(b"Content-Length: 9000000"), 413),
    refused("length 2^63", head(b"Content-Length: 9223372036854775808"), 413, 400),
    refused("length 2^64 - 1", head(b"Content-Length: 18446744073709551615"), 413, 400),
    # Names that are nearly Content-Length or Transfer-Encoding
    refused("space before colon of CL", head(b"Content-Length : %d" % len(BODY)) + BODY),
    refused("tab before colon of CL", head(b"Content-Length\t: %d" % len(BODY)) + BODY),
    refused("space before colon of TE", head(b"Transfer-Encoding : chunked") + WHOLE),
    refused("tab before colon of TE", head(b"Transfer-Encoding\t: chunked", LENGTH) + BODY),
    refused("NUL in the name of TE", head(b"Transfer\x00-Encoding: chunked", LENGTH) + BODY),
    refused("CR before TE", head(b"X: y\rTransfer-Encoding: chunked", LENGTH) + BODY),
    refused("LF before TE", head(b"X: y\nTransfer-Encoding: chunked", LENGTH) + BODY),
    refused("fold before TE", head(b"X: y\r\n Transfer-Encoding: chunked", LENGTH) + BODY),
    refused("line begins with space before TE", head(b" Transfer-Encoding: chunked", LENGTH) + BODY),
    refused("line begins with tab before TE", head(b"\tTransfer-Encoding: chunked", LENGTH) + BODY),
    # Codings
    coding("xchunked", b"Transfer-Encoding: xchunked"),
    coding("chunkedx", b"Transfer-Encoding: chunkedx"),
    coding("chunke", b"Transfer-Encoding: chunke"),
    coding("gzip", b"Transfer-Encoding: gzip"),
    coding("identity", b"Transfer-Encoding: identity"),
    coding("empty", b"Transfer-Encoding:"),
    coding("gzip, chunked", b"Transfer-Encoding: gzip, chunked"),
    coding("chunked, gzip", b"Transfer-Encoding: chunked, gzip"),
    coding("chunked, identity", b"Transfer-Encoding: chunked, identity"),
    coding("identity, chunked", b"Transfer-Encoding: identity, chunked"),
    coding("chunked, chunked", b"Transfer-Encoding: chunked, chunked"),
    coding("comma before", b"Transfer-Encoding: ,chunked"),
    coding("comma after", b"Transfer-Encoding: chunked,"),
    coding("twice", CHUNKED, CHUNKED),
    coding("twice, the other way", CHUNKED, b"Transfer-Encoding: identity"),
    coding("twice, split list", b"Transfer-Encoding: gzip", CHUNKED),
    coding("quoted", b'Transfer-Encoding: "chunked"'),
    coding("single quotes", b"Transfer-Encoding: 'chunked'"),
    coding("parameter", b"Transfer-Encoding: chunked;q=1"),
    coding("semicolon", b"Transfer-Encoding: chunked;"),
    coding("vertical tab", b"Transfer-Encoding: \x0bchunked"),
    coding("form feed after", b"Transfer-Encoding: chunked\x0c"),
    coding("NUL after", b"Transfer-Encoding: chunked\x00"),
    coding("0xA0 after", b"Transfer-Encoding: chunked\xa0"),
    coding("folded", b"Transfer-Encoding:\r\n chunked"),
    coding("Kelvin sign", "Transfer-Encoding: chun\u212aed".encode()),
    coding("before a tab", b"Transfer-Encoding: chunked\t"),
    coding("inner space", b"Transfer-Encoding: chunk ed"),
    # Chunks
    size("0x", b"0x" + HEX),
    size("plus", b"+" + HEX),
    size("minus", b"-" + HEX),
    size("empty", b""),
    size("no hex", b"zz"),
    size("space before", b" " + HEX),
    size("tab before", b"\t" + HEX),
    size("space after", HEX + b" "),
    size("tab after", HEX + b"\t"),
    size("underscore", b"4_a"),
    size("comma", HEX + b",0"),
    size("point", HEX + b".0"),
    size("NUL after", HEX + b"\x00"),
    size("CR after", HEX + b"\r"),
    size("2^64 + length", b"1" + HEX.rjust(16, b"0")),
    size("100 digits", b"f" * 100),
    size("full-width digits", "\uff14\uff41".encode()),
    chunk("size line ends in LF", HEX + b"\n" + BODY + b"\r\n"),
    chunk("size line ends in CR", HEX + b"\r" + BODY + b"\r\n"),
    chunk("data ends in LF", HEX + b"\r\n" + BODY + b"\n"),
    chunk("data ends in CR", HEX + b"\r\n" + BODY + b"\r"),
    chunk("data without end", HEX + b"\r\n" + BODY),
    chunk("longer than its size", HEX + b"\r\n" + BODY + b"xx\r\n"),
    chunk("extension with LF", HEX + b";a=b\nX\r\n" + BODY + b"\r\n"),
    chunk("extension with CR", HEX + b";a=b\rX\r\n" + BODY + b"\r\n"),
    chunk("extension with NUL", HEX + b";a=\x00\r\n" + BODY + b"\r\n"),
    refused("chunk extension of 100 KB", chunked(chunks=HEX + b";" + b"a" * 100_000), 400, 431),
    refused("chunk size of 100 KB of zeros", chunked(chunks=b"0" * 100_000), 400, 431),
    refused("last chunk ends in LF", chunked(chunks=in_chunks()[:-5] + b"0\n\n") + smuggled()),
    refused("last chunk, then LF", chunked(chunks=in_chunks()[:-2] + b"\n") + smuggled()),
    # Cut short
    refused("body shorter than CL, then FIN", head(b"Content-Length: 200") + BODY, half_closes=True),
    refused("head cut short, then FIN", head()[:-2], half_closes=True),
    refused("request line cut short, then FIN", b"POST /v2/mod", half_closes=True),
    refused("chunk cut short, then FIN", chunked(chunks=b"ff\r\n" + BODY), half_closes=True),
    refused("no last chunk, then FIN", chunked(chunks=in_chunks()[:-5]), half_closes=True),
    refused("no end of trailers, then FIN", chunked(chunks=in_chunks()[:-2]), half_closes=True),
    # Good, however odd
    passed("chunked", chunked(chunks=WHOLE)),
    passed("chunked in bytes", chunked(chunks=in_chunks(size=1))),
    passed("coding in upper case", head(b"TRANSFER-ENCODING: CHUNKED") + WHOLE),
    passed("coding before a space", head(b"Transfer-Encoding:chunked ") + WHOLE),
    passed("chunk size with leading zeros", chunked(chunks=b"000" + HEX + b"\r\n" + BODY + b"\r\n" + NONE)),
    passed("chunk size in upper case", chunked(chunks=HEX.upper() + b"\r\n" + BODY + b"\r\n000\r\n\r\n")),
    passed("chunk extension", chunked(chunks=HEX + b';a="b;c"\r\n' + BODY + b"\r\n0;d\r\n\r\n")),
    passed("CL with leading zeros", head(b"Content-Length: 000%d" % len(BODY)) + BODY),
    passed("CL between tabs", head(b"Content-Length:\t%d\t" % len(BODY)) + BODY),
    # Trailers are read and dropped
    passed("trailer Authorization", chunked(chunks=in_chunks(trailers=b"Authorization: Bearer x\r\n"))),
    passed("trailer of a governed name", chunked(chunks=in_chunks(trailers=b"X-Data-Version: stale\r\n"))),
    passed("trailer of a token", chunked(chunks=in_chunks(trailers=b"X-Consent-Token: x\r\n"))),
    passed("trailer that smuggles", chunked(chunks=in_chunks(trailers=b"X-Smuggled: yes\r\n"))),
    refused("trailer of a length", chunked(chunks=in_chunks(trailers=b"Content-Length: 3\r\n")) + smuggled()),
    refused("trailer of a coding", chunked(chunks=in_chunks(trailers=b"Transfer-Encoding: x\r\n")) + smuggled()),
    refused("trailer folded", chunked(chunks=in_chunks(trailers=b"A: b\r\n c\r\n")) + smuggled()),
    refused("trailer with LF", chunked(chunks=in_chunks(trailers=b"A: b\n")) + smuggled()),
    refused("trailer that is no field", chunked(chunks=in_chunks(trailers=b"A\r\n")) + smuggled()),
    refused("trailers of 20 KB", chunked(chunks=in_chunks(trailers=b"A: b\r\n" * 4_000)), 400, 431),
    Case("length 0 of a POST", head(b"Content-Length: 0"), ((400,),), Fate.KEPT),
    Case("neither length nor coding", head(), ((400,),), Fate.KEPT),
    Case("no framing, body is the next request", head() + request(), ((400,), (200,)), Fate.KEPT, reaches=1),
]
