"""Governed attributes (contract 2): sent twice, listed, disguised, or said in two places that disagree."""

from __future__ import annotations

import json

from tests.hostile.case import BODY, CONSENT, GROUP, SCOPE, VERSION, Case, Fate, declined, passed, refused, request


def other_version(name: str, *lines: bytes, statuses: tuple[int, ...] = (400, 403)) -> Case:
    """The good header is replaced."""
    return declined(f"data version {name}", request(*lines, without=(VERSION,)), *statuses)


def beside(name: str, *lines: bytes) -> Case:
    """The good headers stay: a second saying that some server might prefer."""
    return declined(f"beside: {name}", request(*lines), 400)


def said(**parameters: object) -> bytes:
    return json.dumps({**json.loads(BODY), "parameters": parameters}).encode()


CASES = [
    # Twice
    beside("data version twice", b"X-Data-Version: stale"),
    beside("data_version as a header", b"data_version: stale"),
    beside("Consent-Scope as a header", b"Consent-Scope: marketing"),
    beside("data version twice, equal", VERSION),
    beside("data version twice, other case", b"x-data-VERSION: fresh"),
    beside("scope twice", b"X-Consent-Scope: marketing"),
    beside("scope twice, equal", SCOPE),
    beside("group twice", b"X-Protected-Group: b"),
    declined("beside: token twice", request(CONSENT), 400, 401),
    declined("beside: token twice, one empty", request(b"X-Consent-Token:"), 400, 401),
    beside("explanation twice", b"X-Explanation: required", b"X-Explanation: required"),
    # Listed, quoted, encoded
    other_version("listed", b"X-Data-Version: fresh, stale"),
    other_version("listed without space", b"X-Data-Version: fresh,fresh"),
    other_version("with a comma after", b"X-Data-Version: fresh,"),
    other_version("with a comma before", b"X-Data-Version: ,fresh"),
    other_version("quoted", b'X-Data-Version: "fresh"'),
    other_version("percent-encoded", b"X-Data-Version: %66resh"),
    other_version("in capitals", b"X-Data-Version: FRESH"),
    other_version("with inner space", b"X-Data-Version: fre sh"),
    other_version("with inner tab", b"X-Data-Version: fresh\tstale"),
    other_version("with semicolon", b"X-Data-Version: fresh;x"),
    other_version("empty", b"X-Data-Version:"),
    other_version("blank", b"X-Data-Version:  \t "),
    other_version("of 257 bytes", b"X-Data-Version: " + b"a" * 257),
    other_version("of 8 KB", b"X-Data-Version: " + b"a" * 8_000),
    other_version("a prototype", b"X-Data-Version: __proto__"),
    other_version("a path", b"X-Data-Version: ../fresh"),
    other_version("a template", b"X-Data-Version: {{fresh}}"),
    other_version("absent"),
    passed("data version between spaces", request(b"X-Data-Version: \t fresh \t", without=(VERSION,))),
    passed("data version in another case", request(b"x-dATA-vERSION: fresh", without=(VERSION,))),
    refused("data version folded", request(b"X-Data-Version:\r\n fresh", without=(VERSION,))),
    refused("data version with 0xFF", request(b"X-Data-Version: fresh\xff", without=(VERSION,))),
    refused("data version in UTF-8", request("X-Data-Version: fresh\u200b".encode(), without=(VERSION,))),
    # Look-alike names: CGI and WSGI fold `_`, `.` and others into `-`
    beside("X_Data_Version", b"X_Data_Version: stale"),
    beside("X-Data_Version", b"X-Data_Version: stale"),
    beside("X.Data.Version", b"X.Data.Version: stale"),
    beside("X~Data~Version", b"X~Data~Version: stale"),
    beside("X*Data*Version", b"X*Data*Version: stale"),
    beside("X|Data|Version", b"X|Data|Version: stale"),
    beside("X`Data`Version", b"X`Data`Version: stale"),
    beside("X^Data^Version", b"X^Data^Version: stale"),
    beside("X'Data'Version", b"X'Data'Version: stale"),
    beside("X&Data&Version", b"X&Data&Version: stale"),
    beside("X%Data%Version", b"X%Data%Version: stale"),
    beside("X+Data+Version", b"X+Data+Version: stale"),
    beside("X!Data!Version", b"X!Data!Version: stale"),
    beside("X$Data$Version", b"X$Data$Version: stale"),
    beside("X#Data#Version", b"X#Data#Version: stale"),
    beside("X_CONSENT_TOKEN", b"X_CONSENT_TOKEN: x"),
    beside("x_consent_scope", b"x_consent_scope: marketing"),
    beside("X_Protected_Group", b"X_Protected_Group: b"),
    beside("X_Explanation", b"X_Explanation: no"),
    beside("X_Decision_Id", b"X_Decision_Id: 1"),
    beside("X_Policy_Revision", b"X_Policy_Revision: 1"),
    beside("X_Request_Id", b"X_Request_Id: 1"),
    beside("Content_Type", b"Content_Type: text/plain"),
    beside("Content_Encoding", b"Content_Encoding: gzip"),
    beside("Content.Type", b"Content.Type: text/plain"),
    beside("Inference_Header_Content_Length", b"Inference_Header_Content_Length: 3"),
    passed("Content_Length", request(b"Content_Length: 3")),
    passed("Transfer_Encoding", request(b"Transfer_Encoding: chunked")),
    passed("X_Forwarded_For", request(b"X_Forwarded_For: 1.2.3.4", b"X_Original_URL: /x", b"Connection_: close")),
    declined("redirect header of Triton", request(b"X-Vertex-Ai-Triton-Redirect: /v2/repository/index"), 400),
    declined("redirect header of Triton in capitals", request(b"X-VERTEX-AI-TRITON-REDIRECT: /v2"), 400),
    # In the body
    declined("body says another version", request(body=said(data_version="stale")), 400),
    declined("body says another scope", request(body=said(consent_scope="marketing")), 400),
    declined("body says no string", request(body=said(data_version=1)), 400),
    declined("body says null", request(body=said(data_version=None)), 400),
    declined("body says a list", request(body=said(data_version=["fresh"])), 400),
    declined("body says an object", request(body=said(data_version={"a": 1})), 400),
    declined("body says it with a space", request(body=said(data_version="fresh ")), 400),
    declined("body says it with NUL", request(body=said(data_version="fresh\x00")), 400),
    declined("body says it in full width", request(body=said(data_version="\uff46resh")), 400),
    declined("parameters are no object", request(body=b'{"parameters":[],' + BODY[1:]), 400),
    declined("body alone says stale", request(body=said(data_version="stale"), without=(VERSION,)), 403),
    passed("body says the same", request(body=said(data_version="fresh", consent_scope="credit_scoring"))),
    passed("body alone", request(body=said(data_version="fresh"), without=(VERSION,))),
    # Groups, explanation, request id
    Case("group unknown", request(b"X-Protected-Group: zz", without=(GROUP,)), ((403,),), Fate.KEPT, reaches=1),
    declined("group empty", request(b"X-Protected-Group:", without=(GROUP,)), 400, 403),
    declined("group listed", request(b"X-Protected-Group: a,b", without=(GROUP,)), 400),
    Case("group absent", request(without=(GROUP,)), ((400, 403),), Fate.KEPT, reaches=1),
    declined("explanation: no", request(b"X-Explanation: no"), 400),
    declined("explanation empty", request(b"X-Explanation:"), 400),
    passed("request id of 500 bytes", request(b"X-Request-Id: " + b"a" * 500)),
    passed("request id twice", request(b"X-Request-Id: a", b"X-Request-Id: b")),
    passed("request id with a script", request(b"X-Request-Id: <script>")),
    # The token is no attribute that a body may say
    declined("token in the body", request(body=said(consent_token="x"), without=(CONSENT,)), 401),
]
