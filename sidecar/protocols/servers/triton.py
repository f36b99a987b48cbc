"""Triton Inference Server (2.5x and later).

SageMaker's routes lie on a port of their own, where Triton serves nothing else: a sidecar stands before one of the
two. Its OpenAI front end is another program: `--server openai`. Vertex AI's route is any path that the environment
names, and so unknown.
"""

from __future__ import annotations

from sidecar.protocols.coding import DEFLATE, GZIP
from sidecar.protocols.media import JSON, OCTETS, UNSAID
from sidecar.protocols.routes import Route
from sidecar.protocols.servers.kind import ANY, GET, INFER, MANAGEMENT, METADATA, POST, PROBE, kind_of
from sidecar.protocols.servers.v2_routes import V2_MODEL, V2_MODEL_METADATA, V2_ROUTES
from sidecar.protocols.v2.binary import Framing
from sidecar.protocols.v2.generate import Generate
from sidecar.protocols.v2.protocol import V2
from sidecar.protocols.v2.sagemaker import SageMaker

_ROUTES = (
    *V2_ROUTES,
    Route(INFER, "generate", "generate", POST, f"{V2_MODEL}/generate"),
    Route(INFER, "generate", "generate_stream", POST, f"{V2_MODEL}/generate_stream"),
    Route(INFER, "sagemaker", "infer", POST, "/invocations"),
    Route(INFER, "sagemaker", "infer", POST, "/models/{model}/invoke"),
    Route(PROBE, "sagemaker", "ready", GET, "/ping"),
    # Before the model of that name, as in Triton itself.
    Route(METADATA, "v2", "server_statistics", GET, "/v2/models/stats"),
    V2_MODEL_METADATA,
    Route(METADATA, "v2", "model_configuration", GET, f"{V2_MODEL}/config"),
    Route(METADATA, "v2", "model_statistics", GET, f"{V2_MODEL}/stats"),
    Route(MANAGEMENT, "v2", "trace", ANY, f"{V2_MODEL}/trace/setting"),
    Route(MANAGEMENT, "v2", "trace", ANY, "/v2/trace/setting"),
    Route(MANAGEMENT, "v2", "logging", ANY, "/v2/logging"),
    Route(MANAGEMENT, "v2", "shared_memory", ANY, "/v2/systemsharedmemory/{rest}"),
    Route(MANAGEMENT, "v2", "shared_memory", ANY, "/v2/cudasharedmemory/{rest}"),
    Route(MANAGEMENT, "sagemaker", "models", ANY, "/models[/{model}]"),
)

# Triton looks at no Content-Type, and its own Python client sends none, with tensors of either kind.
_FRAMING = Framing(json_types=(JSON, UNSAID), binary_types=(JSON, UNSAID, OCTETS), raw=True)

TRITON = kind_of("triton", _ROUTES, (V2(_FRAMING), Generate(), SageMaker()), codings={"v2": (GZIP, DEFLATE)})
