"""Request targets (RFC 9112 section 3.2, RFC 3986): a path that two servers read in two ways is refused."""

from __future__ import annotations

from tests.hostile.case import PATH, Case, declined, refused, request


def target(name: str, text: bytes, *statuses: int) -> Case:
    """Refused; whether the connection goes on depends on who saw it first: well-formed ones keep it."""
    return declined(f"target {name}", request(line=b"POST " + text + b" HTTP/1.1"), *statuses or (400, 404))


def broken(name: str, text: bytes, *statuses: int) -> Case:
    return refused(f"target {name}", request(line=b"POST " + text + b" HTTP/1.1"), *statuses or (400,))


CASES = [
    # Dot segments
    target("dot-dot", b"/public/../v2/models/credit/infer"),
    target("dot-dot at the end", PATH + b"/.."),
    target("dot", b"/v2/./models/credit/infer"),
    target("dot-dot encoded", b"/public/%2e%2e/v2/models/credit/infer"),
    target("dot-dot encoded in capitals", b"/public/%2E%2E/v2/models/credit/infer"),
    target("dot-dot half encoded", b"/public/.%2e/v2/models/credit/infer"),
    target("dot-dot encoded twice", b"/public/%252e%252e/v2/models/credit/infer"),
    target("dot-dot with parameter", b"/public/..;/v2/models/credit/infer"),
    target("dot-dot beyond the root", b"/../../v2/models/credit/infer"),
    target("three dots", b"/.../v2/models/credit/infer"),
    target("model is dot-dot", b"/v2/models/../infer"),
    target("model begins with a dot", b"/v2/models/.credit/infer"),
    target("model ends in a dot", b"/v2/models/credit./infer"),
    target("path ends in a dot", PATH + b"."),
    # Slashes
    target("two slashes first", b"/" + PATH),
    target("two slashes within", b"/v2//models/credit/infer"),
    target("slash at the end", PATH + b"/"),
    target("two slashes at the end", PATH + b"//"),
    target("slash encoded", b"/v2/models%2fcredit/infer"),
    target("slash encoded in capitals", b"/v2/models/credit%2Finfer"),
    target("backslash encoded", b"/v2/models%5ccredit/infer"),
    target("backslash", b"/v2\\models\\credit\\infer"),
    target("backslash dot-dot", b"/public/..\\v2/models/credit/infer"),
    # Parameters, encodings
    target("parameter on the model", b"/v2/models/credit;v=1/infer"),
    target("parameter at the end", PATH + b";x=1"),
    target("a letter encoded", b"/v2/models/cr%65dit/infer"),
    target("a letter of the verb encoded", b"/v2/models/credit/%69nfer"),
    target("NUL encoded", b"/v2/models/credit%00/infer"),
    target("LF encoded", PATH + b"%0a"),
    target("CRLF encoded", PATH + b"%0d%0aX-Smuggled:%20yes"),
    target("space encoded", b"/v2/models/credit%20/infer"),
    target("plus", b"/v2/models/credit+x/infer"),
    target("question mark encoded", PATH + b"%3fx"),
    target("overlong dot", b"/public/%c0%ae%c0%ae/v2/models/credit/infer"),
    target("overlong slash", b"/v2/models%c0%afcredit/infer"),
    target("full-width dot encoded", b"/public/%ef%bc%8e%ef%bc%8e/v2/models/credit/infer"),
    target("unicode escape", b"/v2/models/%u0063redit/infer"),
    target("broken escape", b"/v2/models/credit%/infer"),
    target("broken escape of a digit", b"/v2/models/credit%2/infer"),
    target("escape of no hex", b"/v2/models/credit%zz/infer"),
    # Case, look-alikes
    target("verb in capitals", b"/v2/models/credit/INFER"),
    target("prefix in capitals", b"/V2/models/credit/infer"),
    target("tilde", b"/~v2/models/credit/infer"),
    target("colon verb of V1", b"/v1/models/credit:predict"),
    target("model with asterisk", b"/v2/models/*/infer"),
    target("model with comma", b"/v2/models/credit,many/infer"),
    target("model of 200 characters", b"/v2/models/" + b"a" * 200 + b"/infer"),
    # Queries
    target("query on infer", PATH + b"?x=y"),
    target("empty query that overrides", PATH + b"?model=other"),
    target("query with method", PATH + b"?_method=DELETE"),
    target("two question marks", PATH + b"??"),
    # Refused before routing
    broken("absolute-form of us", b"http://sidecar" + PATH),
    broken("absolute-form of another", b"http://other" + PATH, 400, 421),
    broken("absolute-form in capitals", b"HTTP://SIDECAR" + PATH),
    broken("absolute-form https", b"https://sidecar" + PATH),
    broken("absolute-form of a file", b"file:///etc/passwd"),
    broken("absolute-form with user", b"http://a@sidecar" + PATH),
    broken("asterisk-form", b"*"),
    broken("authority-form", b"sidecar:80"),
    broken("without slash", b"v2/models/credit/infer"),
    broken("query alone", b"?x=y"),
    broken("fragment", PATH + b"#x"),
    broken("fragment that hides", b"/v2/health/live#" + PATH),
    broken("Latin-1", b"/v2/models/cr\xe9dit/infer"),
    broken("UTF-8", "/v2/models/crédit/infer".encode()),
    broken("overlong dots, raw", b"/public/\xc0\xae\xc0\xae/v2/models/credit/infer"),
    broken("control", b"/v2/models/\x01/infer"),
    broken("DEL", b"/v2/models/\x7f/infer"),
    broken("NUL", PATH + b"\x00"),
    broken("tab", PATH + b"\t/x"),
    broken("vertical tab", PATH + b"\x0b"),
    broken("form feed", PATH + b"\x0c"),
    broken("of 9 KB", b"/" + b"a" * 9_000, 414, 431),
    broken("of 200 KB", b"/" + b"a" * 200_000, 414, 431),
    broken("query of 9 KB", PATH + b"?" + b"a" * 9_000, 414, 431),
]
