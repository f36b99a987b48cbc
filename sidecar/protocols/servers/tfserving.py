"""TensorFlow Serving (2.x). It finds its endpoints without regard to case; written otherwise than here, one is unknown.

A label is a version's name that the operator can move; the policy reads it as version `label:NAME`.
"""

from __future__ import annotations

from sidecar.protocols.coding import GZIP
from sidecar.protocols.routes import Route
from sidecar.protocols.servers.kind import ANY, GET, INFER, MANAGEMENT, METADATA, POST, PROBE, kind_of
from sidecar.protocols.tfserving import TFServing

_MODEL = "/v1/models/{model}"
_MODELS = (f"{_MODEL}[/versions/{{version}}]", f"{_MODEL}/labels/{{version}}")
_OPERATIONS = {"predict": "infer", "classify": "classify", "regress": "regress"}

_ROUTES = (
    *(
        Route(INFER, "tfserving", operation, POST, f"{model}:{method}")
        for method, operation in _OPERATIONS.items()
        for model in _MODELS
    ),
    # Whether its versions are loaded, and if not, why.
    *(Route(PROBE, "tfserving", "model_status", GET, model) for model in _MODELS),
    *(Route(METADATA, "tfserving", "model_metadata", GET, f"{model}/metadata") for model in _MODELS),
    # Where it lies by default; it belongs to the operator, beside this proxy.
    Route(MANAGEMENT, "tfserving", "metrics", ANY, "/monitoring/prometheus/metrics"),
)

# net_http decodes what has `gzip` in its Content-Encoding, and codes no answer.
TFSERVING = kind_of("tfserving", _ROUTES, (TFServing(),), codings={"tfserving": (GZIP,)})
