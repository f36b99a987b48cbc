"""Whatever comes, a protocol reads it or refuses it; and how a body is written never changes what is read."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sidecar.model.attributes import Attributes, Status
from sidecar.model.consent import ConsentFact, ConsentStatus
from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.facts import Facts, ModelFacts, ReadPlan, parse_group_source, parse_reader
from sidecar.model.message import Request, Response
from sidecar.model.reasons import ReasonClass, kind_of
from sidecar.model.refusal import Refused
from sidecar.protocols import strict_json
from sidecar.protocols.attributes import extract, forbidden_headers, problems
from sidecar.protocols.base import Call, Limits, ServingProtocol
from sidecar.protocols.media import OCTETS, UNSAID
from sidecar.protocols.reading import without_body
from sidecar.protocols.servers import SERVERS
from sidecar.protocols.tfserving import TFServing
from sidecar.protocols.torchserve import TorchServe
from sidecar.protocols.v1 import V1
from sidecar.protocols.v2.binary import Framing
from sidecar.protocols.v2.generate import Generate
from sidecar.protocols.v2.protocol import V2

if TYPE_CHECKING:
    from sidecar.model.prediction import Prediction

if TYPE_CHECKING:
    from collections.abc import Callable

_TYPES = (b"application/json", UNSAID, OCTETS)
PROTOCOLS: list[ServingProtocol] = [
    V2(),
    V2(Framing(_TYPES, _TYPES, raw=True), "binary"),
    Generate(),
    V1(),
    TorchServe(),
    TFServing(),
]
LIMITS = Limits(8)
CONSENT = ConsentFact(ConsentStatus.VALID, groups=("a",))
JSON_TYPE = (b"content-type", b"application/json")

NAMES = (
    "instances",
    "inputs",
    "outputs",
    "predictions",
    "examples",
    "explanations",
    "parameters",
    "data_version",
    "consent_scope",
)
WORDS = st.sampled_from((*NAMES, "name", "shape", "data", "x", ":", "x:", "\\u003a"))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = WORDS | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.recursive(
    SCALARS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@st.composite
def written(draw: st.DrawFn, value: object) -> str:
    """A JSON text of a value: any key order, whitespace and escapes; `Pairs` may hold a key twice."""
    space = draw(st.sampled_from(["", " ", "\n\t"]))
    if isinstance(value, Pairs):
        members = [f"{draw(written(key))}{space}:{space}{draw(written(item))}" for key, item in value]
        return "{" + space + f"{space},{space}".join(members) + "}"
    if isinstance(value, dict):
        return draw(written(Pairs(draw(st.permutations(list(value.items()))))))
    if isinstance(value, list):
        return "[" + f"{space},{space}".join(draw(written(item)) for item in value) + space + "]"
    if isinstance(value, str):
        chooser = random.Random(draw(st.integers(0, 7)))
        return '"' + "".join(escaped(char, chooser) for char in value) + '"'
    return json.dumps(value)


def escaped(char: str, chooser: random.Random) -> str:
    if char in '"\\' or char < " " or (char < "\u1000" and chooser.random() < 0.3):
        code = f"\\u{ord(char):04x}"
        return code.upper().replace("\\U", "\\u") if chooser.random() < 0.5 else code
    return char


class Pairs(list[tuple[str, Any]]):
    """An object as it is written, where a key may stand twice."""


PAIRS = st.recursive(
    SCALARS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(TEXTS, inner), max_size=4).map(Pairs),
    max_leaves=16,
)


def read_slowly(text: str) -> object:
    """The exact check, with Python's own decoder: every key of every object."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({key for key, _ in pairs}) != len(pairs):
            raise strict_json.Malformed("an object has a key twice")
        return dict(pairs)

    return json.loads(text, object_pairs_hook=unique)


def outcome(read: Any, text: Any) -> object:
    try:
        return read(text)
    except strict_json.Malformed as error:
        return str(error)


@given(st.data(), PAIRS)
def test_repeated_keys_are_found_as_by_the_exact_check(data: st.DataObject, value: object) -> None:
    text = data.draw(written(value))
    assume("\\u0000" not in text)  # refused in a key, whatever else is wrong with it
    exact = outcome(read_slowly, text)
    assume(not holds_big_integer(exact))
    assert outcome(strict_json.loads, text.encode()) == exact


def holds_big_integer(value: object) -> bool:
    """Which orjson reads as a float, where Python keeps all digits."""
    if isinstance(value, dict):
        return any(map(holds_big_integer, value.values()))
    if isinstance(value, list):
        return any(map(holds_big_integer, value))
    return isinstance(value, int) and not -(2**63) <= value < 2**64


@given(VALUES, st.integers(0, 80))
def test_depth_is_bounded_exactly(value: object, levels: int) -> None:
    for _ in range(levels):
        value = [value]
    text = json.dumps(value)
    deep = depth(value) > strict_json.MAX_DEPTH
    assert ("nested deeper" in str(outcome(strict_json.loads, text.encode()))) == deep


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


@given(st.binary(max_size=64))
def test_any_bytes_are_json_or_malformed(body: bytes) -> None:
    try:
        value = strict_json.loads(body)
    except strict_json.Malformed:
        return
    assert json.loads(body.decode()) == value or holds_big_integer(json.loads(body.decode()))


def facts(*, batch: bool, group: str) -> ModelFacts:
    plan = ReadPlan(
        score=parse_reader("output:x"),
        label=parse_reader("output:data_version[1]"),
        explanation=parse_reader("pointer:/outputs/0"),
        features={"f": parse_reader("input:x")},
        group=parse_group_source(group),
        score_range=(0.0, 1.0),
    )
    return ModelFacts("m", batch=batch, read=plan)


FACTS = st.builds(
    facts,
    batch=st.booleans(),
    group=st.sampled_from(["claim:group", "header:X-Protected-Group", "input:x", "input:instances[0]"]),
)
HEADER_NAMES = (
    b"content-type",
    b"content-encoding",
    b"inference-header-content-length",
    b"explain",
    b"x-data-version",
    b"x_data_version",
    b"x-consent-scope",
    b"x-protected-group",
    b"x-explanation",
    b"accept",
)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(HEADER_NAMES),
        st.sampled_from([b"application/json", b"identity", b"required", b"0", b"2", b"a", b"a,b", b"", b"\xff"])
        | st.binary(max_size=300),
    ),
    max_size=5,
).map(tuple)
TENSORS = st.builds(
    lambda name, shape, data, more: {"name": name, "shape": shape, "data": data, **more},
    TEXTS,
    st.lists(st.integers(-1, 3), max_size=3) | VALUES,
    st.lists(VALUES, max_size=4) | VALUES,
    st.fixed_dictionaries({}, optional={"parameters": st.dictionaries(TEXTS, VALUES, max_size=2)}),
)
BODIES = VALUES | st.dictionaries(
    st.sampled_from(NAMES),
    st.lists(TENSORS, max_size=3) | st.lists(VALUES, max_size=3) | VALUES,
    max_size=4,
)


def attempt(action: Callable[[], Any]) -> tuple[Any, set[str]]:
    """What came, or the codes for which it was refused; any other exception fails the test."""
    try:
        return action(), set()
    except Refused as refusal:
        return None, {reason.code for reason in refusal.reasons}


def judge(
    protocol: ServingProtocol, request: Request, model: ModelFacts, answer: Response, operation: str = "infer"
) -> tuple[Call, Prediction] | None:
    """What the exchange does with the two bodies."""
    endpoint = Endpoint(EndpointKind.INFER, protocol.name, operation, "m")
    forbidden_headers(request)
    call, codes = attempt(lambda: protocol.read_request(endpoint, request, Facts("r", {"m": model}), LIMITS))
    assert all(code == "shared_memory_forbidden" or is_clients(code) for code in codes)
    if call is None:
        return None
    assert 1 <= call.instances <= LIMITS.max_instances
    attributes, codes = attempt(lambda: extract(request, call, model, CONSENT, protocol))
    assert codes <= {"attribute_malformed"}
    if attributes is not None:
        check_attributes(attributes, call)
    prediction, codes = attempt(lambda: protocol.read_prediction(without_body(call, model, protocol), answer, model))
    assert codes <= {"prediction_unreadable"}
    if prediction is None:
        return None
    for values in (prediction.scores, prediction.labels):
        assert values is None or len(values) == call.instances
    return call, prediction


def is_clients(code: str) -> bool:
    return kind_of(code).group is ReasonClass.CLIENT


def check_attributes(attributes: Attributes, call: Call) -> None:
    wrong = {Status.CONFLICT, Status.MALFORMED, Status.TRUNCATED}
    named = (attributes.data_version, attributes.consent_scope, attributes.groups)
    assert len(problems(attributes)) == sum(attribute.status in wrong for attribute in named)
    for attribute in named:
        assert (attribute.value is not None) == (attribute.status is Status.PRESENT)
    assert attributes.groups.value is None or len(attributes.groups.value) == call.instances


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.name)
@given(HEADERS, st.binary(max_size=40), FACTS, HEADERS, st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(
    protocol: ServingProtocol, headers: Any, body: bytes, model: ModelFacts, answered: Any, answer: bytes
) -> None:
    judge(protocol, Request("POST", "/", headers, body), model, Response(200, answered, answer))


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.name)
@given(HEADERS, BODIES, FACTS, BODIES)
def test_any_json_is_read_or_refused(
    protocol: ServingProtocol, headers: Any, body: object, model: ModelFacts, answer: object
) -> None:
    request = Request("POST", "/", (JSON_TYPE, *headers[1:]), json.dumps(body).encode())
    judge(protocol, request, model, Response(200, (), json.dumps(answer).encode()))


READERS = st.sampled_from(
    ["first_number", "most_probable", "probability:x", "pointer:", "pointer:/outputs", "output:x", "output:results"]
)
OPERATIONS = {"v1": ("infer", "explain"), "torchserve": ("infer", "explain"), "tfserving": ("infer", "classify")}


@pytest.mark.parametrize("protocol", [V1(), TorchServe(), TFServing()], ids=lambda protocol: protocol.name)
@given(st.data(), BODIES, BODIES | st.dictionaries(st.sampled_from(["predictions", "outputs", "results"]), VALUES))
def test_any_answer_is_read_or_refused_by_any_reader(
    protocol: ServingProtocol, data: st.DataObject, body: object, answer: object
) -> None:
    score, label, explanation = (parse_reader(data.draw(READERS)) for _ in range(3))
    model = ModelFacts("m", batch=data.draw(st.booleans()), read=ReadPlan(score, label, explanation))
    request = Request("POST", "/", (JSON_TYPE,), json.dumps(body).encode())
    judge(
        protocol,
        request,
        model,
        Response(200, (), json.dumps(answer).encode()),
        data.draw(st.sampled_from(OPERATIONS[protocol.name])),
    )


GOOD_V2 = st.builds(
    lambda values, version, answer: (
        {
            "id": "1",
            "parameters": {"data_version": version, "consent_scope": "scoring"},
            "inputs": [{"name": "x", "shape": [len(values)], "datatype": "BYTES", "data": values}],
        },
        {
            "outputs": [
                {"name": "x", "shape": [len(values)], "data": [answer] * len(values)},
                {"name": "data_version", "shape": [len(values), 2], "data": [[0, "l:l"]] * len(values)},
            ]
        },
    ),
    st.lists(TEXTS, min_size=1, max_size=8),
    TEXTS,
    st.floats(0, 1),
)


@given(st.data(), GOOD_V2)
def test_the_writing_of_a_body_does_not_matter(data: st.DataObject, bodies: tuple[object, object]) -> None:
    def judged(request: str, answer: str) -> object:
        message = Request("POST", "/", (JSON_TYPE,), request.encode())
        return judge(V2(), message, facts(batch=True, group="input:x"), Response(200, (), answer.encode()))

    plain = judged(*(json.dumps(body) for body in bodies))
    assert plain is not None
    assert judged(*(data.draw(written(body)) for body in bodies)) == plain


SEGMENTS = (
    "v1",
    "v2",
    "models",
    "m",
    "infer",
    "ready",
    "predictions",
    "repository",
    "m:predict",
    ".",
    "..",
    "%69",
)


@given(
    st.sampled_from(sorted(SERVERS)),
    st.sampled_from(["GET", "POST", "PUT", "HEAD", "TRACE"]) | st.text(max_size=5),
    st.text(max_size=30)
    | st.lists(
        st.sampled_from(
            [
                "v1",
                "v2",
                "models",
                "m",
                "infer",
                "ready",
                "predictions",
                "repository",
                ".",
                "..",
                "%69",
                "m:predict",
            ]
        ),
        max_size=6,
    ).map(lambda parts: "/" + "/".join(parts)),
    st.text(max_size=5),
)
def test_any_request_line_is_routed_or_refused(kind: str, method: str, path: str, query: str) -> None:
    endpoint, codes = attempt(lambda: SERVERS[kind].route(method, path, query))
    assert codes <= {"http_malformed", "endpoint_unknown", "method_not_allowed"}
    if endpoint is None:
        return
    assert not set("%;\\") & set(path)
    assert "//" not in path
    assert not {".", ".."} & set(path.split("/"))
    if endpoint.kind is EndpointKind.INFER:
        assert method in ("POST", "PUT")
        assert not query
