from __future__ import annotations

import pytest

from sidecar.model.endpoint import EndpointKind
from sidecar.model.refusal import Refused
from sidecar.protocols.servers import server


def meaning(method: str, path: str) -> str:
    try:
        endpoint = server("openai").route(method, path, "")
    except Refused as refusal:
        return refusal.reasons[0].code
    return f"{endpoint.kind.value} {endpoint.operation}"


@pytest.mark.parametrize(
    ("method", "path", "means"),
    [
        ("POST", "/v1/chat/completions", "infer chat"),
        ("POST", "/v1/completions", "infer completion"),
        ("POST", "/v1/embeddings", "infer embedding"),
        ("GET", "/v1/chat/completions", "method_not_allowed"),
        ("POST", "/v1/chat/completions/", "endpoint_unknown"),
        ("POST", "/v1//chat/completions", "http_malformed"),
        ("POST", "/v1/chat%2fcompletions", "http_malformed"),
        ("GET", "/health", "probe ready"),
        ("GET", "/ping", "probe ready"),
        ("POST", "/ping", "method_not_allowed"),
        ("GET", "/v1/models", "metadata model_list"),
        ("GET", "/v1/models/meta-llama/Llama-3.1-8B", "metadata model_metadata"),
        ("DELETE", "/v1/models/meta-llama/Llama-3.1-8B", "method_not_allowed"),
        ("POST", "/v1/models/meta-llama/Llama-3.1-8B/load", "management models"),
        ("GET", "/v1/models/m/unload", "management models"),
        ("GET", "/version", "metadata server_metadata"),
        ("GET", "/load", "metadata load"),
        ("GET", "/metrics", "metadata metrics"),
    ],
)
def test_endpoints(method: str, path: str, means: str) -> None:
    assert meaning(method, path) == means


@pytest.mark.parametrize(
    "path",
    [
        # vLLM's inference without its key, or in other protocols.
        *(
            "/invocations",
            "/pooling",
            "/classify",
            "/score",
            "/rerank",
            "/generative_scoring",
            "/inference/v1/generate",
        ),
        *("/v1/score", "/v1/rerank", "/v1/classify", "/v1/pooling", "/v2/embed", "/v2/rerank"),
        *("/v1/responses", "/v1/responses/r", "/v1/responses/r/cancel", "/v1/messages", "/v1/messages/count_tokens"),
        *("/v1/audio/transcriptions", "/v1/audio/translations", "/v1/realtime", "/v1/chat/completions/batch"),
        # What the tokenizer makes of a prompt is no prediction, but nobody judged the prompt.
        *("/tokenize", "/detokenize", "/v1/chat/completions/render"),
        # Other servers' own: llama.cpp, Ollama, SGLang, TGI, fakellm.
        *("/chat/completions", "/completion", "/infill", "/api/generate", "/api/chat", "/api/pull", "/generate"),
        *("/_fakellm/reset", "/docs", "/openapi.json", "/"),
    ],
)
def test_what_infers_and_is_not_judged_is_unknown(path: str) -> None:
    assert (meaning("POST", path), meaning("GET", path)) == ("endpoint_unknown", "endpoint_unknown")


def test_engineers_routes_are_refused_whatever_the_method() -> None:
    # As vLLM's security page lists them.
    paths = [
        *("/pause", "/resume", "/is_paused", "/scale_elastic_ep", "/is_scaling_elastic_ep", "/abort_requests"),
        *("/init_weight_transfer_engine", "/update_weights", "/get_world_size", "/tokenizer_info"),
        *("/server_info", "/reset_prefix_cache", "/reset_mm_cache", "/reset_encoder_cache"),
        *("/sleep", "/wake_up", "/is_sleeping", "/collective_rpc", "/start_profile", "/stop_profile"),
        *("/v1/load_lora_adapter", "/v1/unload_lora_adapter"),
    ]
    served = server("openai")
    kinds = {(path, served.route(method, path, "").kind) for path in paths for method in ("GET", "POST", "PUT")}
    assert kinds == {(path, EndpointKind.MANAGEMENT) for path in paths}


def test_the_body_names_the_model_and_no_coding_is_decoded() -> None:
    served = server("openai")
    endpoint = served.route("POST", "/v1/chat/completions", "")
    assert (endpoint.model, served.protocol(endpoint).names_model, served.codings) == (None, True, {})
