"""OpenAI-style servers, vLLM foremost.

Its `--api-key` protects only part of what it serves (its own security page says so): `/invocations`, `/pooling`,
`/classify`, `/score`, `/rerank` and `/generative_scoring` infer without it, and engineers' routes stop the engine or
change its weights. The latter have rows of their own; what infers and has no row is unknown here, so refused.
"""

from __future__ import annotations

from sidecar.protocols.openai.answer import CHAT, COMPLETION, EMBEDDING
from sidecar.protocols.openai.protocol import OpenAI
from sidecar.protocols.routes import Route
from sidecar.protocols.servers.kind import ANY, GET, INFER, MANAGEMENT, METADATA, POST, PROBE, kind_of

OPENAI_INFERENCE = (
    (CHAT, "/v1/chat/completions"),
    (COMPLETION, "/v1/completions"),
    (EMBEDDING, "/v1/embeddings"),
)
"""Operation and path. KServe has them under a prefix."""

_MANAGEMENT = {
    "engine": (
        "/pause",
        "/resume",
        "/is_paused",
        "/abort_requests",
        "/sleep",
        "/wake_up",
        "/is_sleeping",
        "/scale_elastic_ep",
        "/is_scaling_elastic_ep",
        "/collective_rpc",
        "/server_info",
    ),
    "weights": ("/update_weights", "/init_weight_transfer_engine", "/get_world_size"),
    "cache": ("/reset_prefix_cache", "/reset_mm_cache", "/reset_encoder_cache"),
    "profile": ("/start_profile", "/stop_profile"),
    # With the chat templates.
    "tokenizer": ("/tokenizer_info",),
    "adapters": ("/v1/load_lora_adapter", "/v1/unload_lora_adapter"),
    # Of Triton's OpenAI front end.
    "models": ("/v1/models/{rest}/load", "/v1/models/{rest}/unload"),
}

_ROUTES = (
    *(Route(INFER, "openai", operation, POST, path) for operation, path in OPENAI_INFERENCE),
    Route(PROBE, "openai", "ready", GET, "/health"),
    Route(PROBE, "openai", "ready", GET, "/ping"),
    *(Route(MANAGEMENT, "openai", what, ANY, path) for what, paths in _MANAGEMENT.items() for path in paths),
    Route(METADATA, "openai", "model_list", GET, "/v1/models"),
    Route(METADATA, "openai", "model_metadata", GET, "/v1/models/{rest}"),
    Route(METADATA, "openai", "server_metadata", GET, "/version"),
    Route(METADATA, "openai", "load", GET, "/load"),
    Route(METADATA, "openai", "metrics", GET, "/metrics"),
)

# vLLM decodes no content coding.
OPENAI = kind_of("openai", _ROUTES, (OpenAI(),))
