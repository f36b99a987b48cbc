"""What OpenAI-style servers alone take: a model named in the body, streams, and vLLM's routes beside them."""

from __future__ import annotations

from tests.hostile.case import VERSION, Good, declined, passed

GOOD = Good(b"POST /v1/completions HTTP/1.1", b'{"model":"credit","prompt":"x"}')
at, saying, raw = GOOD.at, GOOD.saying, GOOD.raw

ALIASES = (b"/invocations", b"/pooling", b"/classify", b"/score", b"/rerank", b"/generative_scoring", b"/tokenize")
MANAGEMENT = (
    b"/pause",
    b"/resume",
    b"/sleep",
    b"/wake_up",
    b"/update_weights",
    b"/collective_rpc",
    b"/reset_prefix_cache",
)
ADAPTERS = (b"/v1/load_lora_adapter", b"/v1/unload_lora_adapter", b"/v1/models/credit/unload")

CASES = [
    passed("a completion", GOOD.request()),
    passed("with metadata that agrees", GOOD.request(body=GOOD.body[:-1] + b',"metadata":{"data_version":"fresh"}}')),
    *(at(b"POST", path, 404) for path in ALIASES),
    *(at(b"POST", path, 403) for path in (*MANAGEMENT, *ADAPTERS)),
    *(at(b"GET", path, 403) for path in (b"/v1/models", b"/metrics", b"/version", b"/server_info")),
    at(b"GET", b"/v1/completions", 405),
    at(b"POST", b"/v1/completions/", 404),
    at(b"POST", b"/v1/completions?model=other", 400),
    at(b"POST", b"//v1/completions", 400),
    saying("another model", 403, model="unheard-of"),
    saying("a model that is no string", 400, model=["credit"]),
    saying("a model with a control", 400, model="credit\n"),
    saying("no prompt's batch under one token", 403, prompt=["x", "y"]),
    saying("its version twice", 400, metadata={"data_version": "stale"}),
    saying("a version that is no string", 400, metadata={"data_version": 1}),
    saying("metadata that is no object", 400, metadata=["data_version"]),
    saying("a stream for 1", 400, stream=1),
    saying('a stream for "true"', 400, stream="true"),
    saying("the model in other case", 400, Model="other"),
    saying("the stream in other case", 400, STREAM=True),
    raw("the model twice", b'{"model":"credit","prompt":"x","model":"other"}', 400),
    raw("the model twice, escaped", b'{"model":"credit","prompt":"x","m\\u006fdel":"other"}', 400),
    raw("no model", b'{"prompt":"x"}', 400),
    raw("an array", b"[" + GOOD.body + b"]", 400),
    declined("no version", GOOD.request(without=(VERSION,)), 400),
]
