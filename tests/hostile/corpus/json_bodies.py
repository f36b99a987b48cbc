"""Bodies of JSON (RFC 8259): what two readers read in two ways, what is no JSON, and JSON under another name."""

from __future__ import annotations

from tests.hostile.case import BODY, JSON, VERSION, Case, declined, passed, request

MEMBERS = BODY[1:-1]
INPUT = b'{"name":"income","shape":[1],"datatype":"FP64","data":[50.0]}'


def body(name: str, text: bytes) -> Case:
    return declined(f"body {name}", request(body=text), 400)


def twice(name: str, parameters: bytes) -> Case:
    """Governed members that come twice, where the header says nothing."""
    text = b'{"parameters":' + parameters + b"," + MEMBERS + b"}"
    return declined(f"key twice: {name}", request(body=text, without=(VERSION,)), 400)


def number(name: str, text: bytes) -> Case:
    return body(f"number {name}", BODY.replace(b"50.0", text))


def kind(name: str, *fields: bytes) -> Case:
    return declined(f"type {name}", request(*fields, without=(JSON,)), 415)


CASES = [
    # A key twice
    twice("governed", b'{"data_version":"fresh","data_version":"stale"}'),
    twice("governed, the other way", b'{"data_version":"stale","data_version":"fresh"}'),
    twice("governed, equal", b'{"data_version":"fresh","data_version":"fresh"}'),
    twice("first letter escaped", b'{"data_version":"fresh","\\u0064ata_version":"stale"}'),
    twice("last letter escaped", b'{"data_versio\\u006e":"fresh","data_version":"stale"}'),
    twice("underscore escaped", b'{"data_version":"fresh","data\\u005fversion":"stale"}'),
    twice(
        "all escaped", b'{"data_version":"fresh","' + b"".join(b"\\u%04x" % c for c in b"data_version") + b'":"stale"}'
    ),
    twice("escaped in capitals", b'{"data_version":"fresh","data\\u005Fversion":"stale"}'),
    twice("a third between", b'{"data_version":"fresh","x":1,"data_version":"stale"}'),
    twice("colons in keys", b'{"a:b":1,"data_version":"fresh","a:b":2}'),
    twice("colons in values", b'{"data_version":"fresh","x":":::","x":":"}'),
    twice("escaped colons", b'{"data_version":"fresh","x\\u003a":"\\u003A","x:":"\\\\u003a"}'),
    twice("the slash escaped", b'{"data_version":"fresh","a/":1,"a\\/":2}'),
    twice("empty", b'{"data_version":"fresh","":1,"":2}'),
    twice("a surrogate pair", '{"data_version":"fresh","\U0001f600":1,"\\ud83d\\ude00":2}'.encode()),
    body("parameters twice", b'{"parameters":{},"parameters":{"data_version":"stale"},' + MEMBERS + b"}"),
    body("inputs twice", b'{"inputs":[' + INPUT + b"]," + MEMBERS + b"}"),
    body("shape twice", BODY.replace(b'"shape":[1]', b'"shape":[1],"shape":[2]')),
    body("data twice", BODY.replace(b'"data":[50.0]', b'"data":[50.0],"data":[1.0]')),
    body("key twice, deep", b'{"x":[[{"a":[{"b":1,"b":2}]}]],' + MEMBERS + b"}"),
    # Numbers
    number("NaN", b"NaN"),
    number("Infinity", b"Infinity"),
    number("-Infinity", b"-Infinity"),
    number("nan", b"nan"),
    number("1e999", b"1e999"),
    number("-1e999", b"-1e999"),
    number("leading zero", b"050"),
    number("plus", b"+50"),
    number("hexadecimal", b"0x32"),
    number("point first", b".5"),
    number("point last", b"50."),
    number("exponent empty", b"5e"),
    number("comma", b"5,,0"),
    number("minus alone", b"-"),
    number("underscore", b"5_0"),
    # What is no JSON
    body("empty object cut", b"{"),
    body("array cut", BODY[:-1]),
    body("trailing comma", BODY[:-1] + b",}"),
    body("trailing data", BODY + b"x"),
    body("trailing object", BODY + b"{}"),
    body("trailing comma after", BODY + b","),
    body("trailing NUL", BODY + b"\x00"),
    body("trailing form feed", BODY + b"\x0c"),
    body("leading form feed", b"\x0c" + BODY),
    body("no-break space before", b"\xc2\xa0" + BODY),
    body("comment", b"/* x */" + BODY),
    body("comment of a line", b"// x\n" + BODY),
    body("comment behind", BODY + b"# x"),
    body("single quotes", BODY.replace(b'"', b"'")),
    body("keys without quotes", BODY.replace(b'"inputs"', b"inputs")),
    body("prefix of XSSI", b")]}',\n" + BODY),
    body("two lines of JSON", BODY + b"\n" + BODY),
    body("record separator", b"\x1e" + BODY),
    body("Python's None", BODY.replace(b"50.0", b"None")),
    body("TRUE", BODY.replace(b"50.0", b"TRUE")),
    # Encodings
    body("byte order mark", b"\xef\xbb\xbf" + BODY),
    body("UTF-16", BODY.decode().encode("utf-16")),
    body("UTF-16LE", BODY.decode().encode("utf-16-le")),
    body("UTF-16BE", BODY.decode().encode("utf-16-be")),
    body("UTF-32", BODY.decode().encode("utf-32")),
    body("UTF-32BE", BODY.decode().encode("utf-32-be")),
    body("UTF-7", b"+AHs-" + BODY[1:]),
    body("Latin-1", BODY.replace(b"income", b"inc\xf6me")),
    body("overlong quote", BODY.replace(b'"income"', b"\xc0\xa2income\xc0\xa2")),
    body("overlong letter", BODY.replace(b"income", b"\xc1\xa9ncome")),
    body("surrogate in UTF-8", BODY.replace(b"income", b"\xed\xa0\x80")),
    body("lone surrogate escaped", BODY.replace(b"income", b"\\ud800")),
    body("surrogates swapped", BODY.replace(b"income", b"\\ude00\\ud83d")),
    body("half an escape", BODY.replace(b"income", b"\\u12")),
    body("unknown escape", BODY.replace(b"income", b"\\x41")),
    body("control in a string", BODY.replace(b"income", b"in\x01come")),
    body("tab in a string", BODY.replace(b"income", b"in\tcome")),
    body("LF in a string", BODY.replace(b"income", b"in\ncome")),
    body("NUL in a string", BODY.replace(b"income", b"in\x00come")),
    # Depth and size
    body("depth 100,000 of arrays", b"[" * 100_000),
    body("depth 100,000, closed", b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"," + MEMBERS + b"}"),
    body("depth 100,000 of objects", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    body("depth 100", b'{"x":' + b"[" * 100 + b"]" * 100 + b"," + MEMBERS + b"}"),
    body("a million arrays", b'{"x":[' + b"[]," * 1_000_000 + b"[]]," + MEMBERS + b"}"),
    body("a number of 100,000 digits", BODY.replace(b"50.0", b"9" * 100_000)),
    # Not what V2 wants
    body("array", b"[" + BODY + b"]"),
    body("null", b"null"),
    body("string", b'"x"'),
    body("number", b"1"),
    body("empty object", b"{}"),
    body("no instance", BODY.replace(b"[1]", b"[0]")),
    body("negative shape", BODY.replace(b"[1]", b"[-1]")),
    body("shape of a float", BODY.replace(b"[1]", b"[1.0]")),
    body("shape of a string", BODY.replace(b"[1]", b'["1"]')),
    body("shape of true", BODY.replace(b"[1]", b"[true]")),
    body("empty shape", BODY.replace(b"[1]", b"[]")),
    body("shape that overflows", BODY.replace(b"[1]", b"[4294967296,4294967296]")),
    body("shape beyond the data", BODY.replace(b"[1]", b"[5]")),
    body("data beyond the shape", BODY.replace(b"[50.0]", b"[50.0,1.0]")),
    # JSON under another name, or none
    kind("absent"),
    kind("text/plain", b"Content-Type: text/plain"),
    kind("text/json", b"Content-Type: text/json"),
    kind("application/x-json", b"Content-Type: application/x-json"),
    kind("application/problem+json", b"Content-Type: application/problem+json"),
    kind("octet-stream", b"Content-Type: application/octet-stream"),
    kind("form", b"Content-Type: application/x-www-form-urlencoded"),
    kind("multipart", b"Content-Type: multipart/form-data; boundary=x"),
    kind("charset UTF-16", b"Content-Type: application/json; charset=utf-16"),
    kind("charset Latin-1", b"Content-Type: application/json;charset=iso-8859-1"),
    kind("charset UTF-7", b"Content-Type: application/json; charset=utf-7"),
    kind("charset twice", b"Content-Type: application/json; charset=utf-8; charset=utf-16"),
    kind("listed", b"Content-Type: application/json, text/plain"),
    kind("with space", b"Content-Type: application / json"),
    kind("without subtype", b"Content-Type: application/"),
    kind("empty", b"Content-Type:"),
    kind("two words", b"Content-Type: application/json x"),
    kind("asterisk", b"Content-Type: */*"),
    # Good, however odd
    passed("type in capitals", request(b"Content-Type: Application/JSON; Charset=UTF-8", without=(JSON,))),
    passed("body between spaces", request(body=b" \r\n\t" + BODY + b"\n ")),
    passed("body with escapes", request(body=BODY.replace(b"income", b"\\u0069ncom\\u0065"))),
    passed("body with more members", request(body=b'{"id":"\\u003a:\\\\","x":{"a":[{}]},' + MEMBERS + b"}")),
    passed("body with a large integer", request(body=BODY.replace(b"50.0", b"18446744073709551615"))),
]
