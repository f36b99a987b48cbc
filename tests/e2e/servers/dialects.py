"""What each real server is asked in: paths, bodies, places of attributes, and what is not to be reached."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

Body = dict[str, Any]
Row = tuple[str, str]
"""Method and path."""

READ = {"positive": {"label": "approve"}, "score_range": [0, 1], "group": "header:X-Protected-Group"}
NAMED = {**READ, "score": "output:score", "label": "output:label"}
POINTED = {**READ, "score": "pointer:/score", "label": "pointer:/label"}
# A chat has no score: a guard of the suite's own judges what is said.
SAID = {"label": "output:content", "positive": {"label": "0.5 approve"}, "group": "header:X-Protected-Group"}


@dataclass(frozen=True)
class Dialect:
    """One protocol of one real server. Plain data and body makers; `guarded.Guarded` puts them to use."""

    name: str
    server: str
    """Of the fixture `real_<server>`."""
    path: str
    body: Callable[[Sequence[float]], Body]
    """A request for one prediction a score, which the model gives as it is."""
    places: Mapping[str, Callable[[Body, str, str], Body]]
    """Where the body may say an attribute, by the prefix of its source on record; each gives a body that says it."""
    read: Mapping[str, Any] = field(default_factory=lambda: NAMED)
    engine: str = "embedded"
    flags: tuple[str, ...] = ()
    """Of the sidecar."""
    sagemaker: bool = False
    """Asked on the server's port for SageMaker."""
    batches: bool = True
    codings: tuple[str, ...] = ()
    """Those of requests that the server decodes."""
    answer_codings: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    """Other paths of the same inference."""
    probes: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    management: tuple[Row, ...] = ()
    unknown: tuple[Row, ...] = ()
    """What the server answers and the sidecar does not know."""
    broken: Body = field(default_factory=dict[str, Any])
    """What the sidecar lets pass and the model refuses."""

    def __str__(self) -> str:
        return self.name


def tensor(name: str, values: Sequence[object], datatype: str = "FP64") -> Body:
    return {"name": name, "shape": [len(values)], "datatype": datatype, "data": list(values)}


def v2(scores: Sequence[float]) -> Body:
    # With an id: without, MLServer makes one a call.
    wanted = [{"name": "score"}, {"name": "label"}]
    return {"id": "call-1", "inputs": [tensor("forced_score", scores)], "outputs": wanted}


def v1(scores: Sequence[float]) -> Body:
    return {"instances": [{"forced_score": score} for score in scores]}


def torchserve(scores: Sequence[float]) -> Body:
    [score] = scores
    return {"forced_score": score}


def generate(scores: Sequence[float]) -> Body:
    [score] = scores
    return {"forced_score": score}


def chat(scores: Sequence[float]) -> Body:
    [score] = scores
    return {"model": "credit", "messages": [{"role": "user", "content": f"forced_score {score}"}]}


def in_parameters(body: Body, name: str, value: str) -> Body:
    return {**body, "parameters": {**body.get("parameters", {}), name: value}}


def in_body(body: Body, name: str, value: str) -> Body:
    return {**body, name: value}


def in_metadata(body: Body, name: str, value: str) -> Body:
    return {**body, "metadata": {**body.get("metadata", {}), name: value}}


V2_PROBES = ("/v2/health/live", "/v2/health/ready", "/v2/models/credit/ready")

MLSERVER = Dialect(
    "mlserver",
    "mlserver",
    "/v2/models/credit/infer",
    v2,
    {"parameter": in_parameters},
    codings=("gzip",),
    answer_codings=("gzip",),
    aliases=("/v2/models/credit/versions/1/infer", "/v2/models/credit/generate"),
    probes=V2_PROBES,
    metadata=(
        "/v2",
        "/v2/models/credit",
        "/v2/docs",
        "/v2/models/credit/docs",
        "/v2/models/credit/docs/dataplane.json",
    ),
    management=(
        ("POST", "/v2/repository/index"),
        ("POST", "/v2/repository/models/credit/load"),
        ("POST", "/v2/repository/models/credit/unload"),
    ),
    unknown=(("GET", "/v2/docs/nothing"), ("POST", "/v2/models/credit/infer/"), ("GET", "/metrics"), ("GET", "/docs")),
    broken={"inputs": [tensor("nothing", [1.0])]},
)

TORCHSERVE = Dialect(
    "torchserve",
    "torchserve",
    "/predictions/credit",
    torchserve,
    {"body": in_body},
    read=POINTED,
    batches=False,
    flags=("--default-model", "credit"),
    aliases=(
        "/predictions/credit/1.0",
        "/invocations",
        "/credit/predict",
        "/credit/1.0/predict",
        "/models/credit/invoke",
        "/invocations?model_name=credit",
        "/explanations/credit",
        "/wfpredict/credit",
    ),
    probes=("/ping",),
    metadata=("/api-description",),
    management=(
        ("GET", "/models"),
        ("POST", "/models?url=evil.mar"),
        ("GET", "/models/credit"),
        ("PUT", "/models/credit?min_worker=9"),
        ("DELETE", "/models/credit"),
        ("PUT", "/models/credit/1.0/set-default"),
        ("GET", "/token?type=inference"),
        ("POST", "/workflows?url=evil.war"),
    ),
    unknown=(("POST", "/predictions/credit/"), ("POST", "/predictions/credit/1.0/more")),
    broken={"income": 50},
)

_TRITON_MANAGEMENT = (
    ("POST", "/v2/repository/index"),
    ("POST", "/v2/repository/models/credit/load"),
    ("POST", "/v2/repository/models/credit/unload"),
    ("POST", "/v2/repository/default/models/credit/unload"),
    ("GET", "/v2/systemsharedmemory/status"),
    ("POST", "/v2/systemsharedmemory/region/x/register"),
    ("POST", "/v2/cudasharedmemory/region/x/register"),
    ("POST", "/v2/systemsharedmemory/unregister"),
    ("POST", "/v2/trace/setting"),
    ("POST", "/v2/models/credit/trace/setting"),
    ("POST", "/v2/logging"),
)

TRITON = Dialect(
    "triton",
    "triton",
    "/v2/models/credit/infer",
    v2,
    {"parameter": in_parameters},
    codings=("gzip", "deflate"),
    answer_codings=("gzip", "deflate"),
    aliases=("/v2/models/credit/versions/1/infer",),
    probes=V2_PROBES,
    metadata=("/v2", "/v2/models/credit", "/v2/models/credit/config", "/v2/models/credit/stats", "/v2/models/stats"),
    management=_TRITON_MANAGEMENT,
    unknown=(("POST", "/v2/models/credit/infer/"), ("POST", "/v2/models/credit/versions/1/config")),
    broken={"inputs": [tensor("nothing", [1.0])]},
)

TRITON_SAGEMAKER = replace(
    TRITON,
    name="triton-sagemaker",
    path="/invocations",
    flags=("--default-model", "credit"),
    sagemaker=True,
    codings=(),
    answer_codings=(),
    aliases=(),
    probes=("/ping",),
    metadata=(),
    management=(("GET", "/models"), ("POST", "/models"), ("DELETE", "/models/credit")),
    unknown=(("POST", "/invocations/"),),
)

TRITON_GENERATE = Dialect(
    "triton-generate",
    "triton",
    "/v2/models/credit/generate",
    generate,
    {"parameter": in_parameters, "body": in_body},
    batches=False,
    broken={"forced_score": "word"},
)

_KSERVE = Dialect(
    "kserve",
    "kserve",
    "",
    v1,
    {},
    probes=("/", "/v1/models/credit", *V2_PROBES),
    metadata=("/v2", "/v2/models", "/v2/models/credit", "/v1/models", "/metrics", "/openapi.json"),
    management=(("POST", "/v2/repository/models/credit/load"), ("POST", "/v2/repository/models/credit/unload")),
    unknown=(("POST", "/v1/models/credit:predict/"), ("POST", "/v1/models/credit/predict"), ("GET", "/docs")),
)

KSERVE_V1 = replace(
    _KSERVE, name="kserve-v1", path="/v1/models/credit:predict", places={"body": in_body}, broken={"instances": [{}]}
)
KSERVE_V2 = replace(
    _KSERVE,
    name="kserve-v2",
    path="/v2/models/credit/infer",
    body=v2,
    places={"parameter": in_parameters},
    broken={"inputs": [tensor("nothing", [1.0])]},
)

OPENAI = Dialect(
    "openai",
    "fakellm",
    "/v1/chat/completions",
    chat,
    {"metadata": in_metadata},
    read=SAID,
    batches=False,
    metadata=("/v1/models", "/version"),
    management=(
        ("POST", "/v1/load_lora_adapter"),
        ("POST", "/v1/unload_lora_adapter"),
        ("POST", "/sleep"),
        ("POST", "/update_weights"),
        ("POST", "/reset_prefix_cache"),
        ("POST", "/v1/models/credit/unload"),
    ),
    unknown=(("POST", "/v1/messages"), ("POST", "/_fakellm/reset"), ("GET", "/_fakellm/stats"), ("GET", "/docs")),
    broken={"model": "credit", "messages": [{"role": "user", "content": "too fast"}]},
)

DIALECTS = (
    MLSERVER,
    replace(MLSERVER, name="mlserver-opa", engine="opa"),
    TORCHSERVE,
    TRITON,
    TRITON_SAGEMAKER,
    TRITON_GENERATE,
    KSERVE_V1,
    KSERVE_V2,
    OPENAI,
)


EVERYDAY = (MLSERVER.name, OPENAI.name)
"""Judged in every run, one score and one chat; the other servers, which take long to start, where `heavy` tests run."""


def cases(dialects: Iterable[Dialect]) -> list[Any]:
    """Parameters of a test."""
    marks = {True: (), False: (pytest.mark.heavy,)}
    return [pytest.param(each, id=each.name, marks=marks[each.name in EVERYDAY]) for each in dialects]


def only(*names: str) -> pytest.MarkDecorator:
    """A test of these dialects alone."""
    chosen = [dialect for dialect in DIALECTS if dialect.name in names]
    assert len(chosen) == len(names)
    return pytest.mark.parametrize("server", cases(chosen), indirect=True)
