"""OpenAI's chat completions, completions and embeddings, as vLLM and others serve them.

The body names the model. Governed attributes have their second place in the body's `metadata`. Messages, tools,
images and sampling parameters are passed as they are: they are among the judged bytes, and nothing is read there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sidecar.protocols import reading
from sidecar.protocols.base import Call, second_sources
from sidecar.protocols.bodies import body_malformed, check_instances, json_object, object_member
from sidecar.protocols.media import require_json
from sidecar.protocols.openai.answer import CHAT, COMPLETION, EMBEDDING, Answer, fallback_response
from sidecar.protocols.rows import cells
from sidecar.protocols.strict_json import is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sidecar.model.endpoint import Endpoint
    from sidecar.model.facts import Facts, ModelFacts, Reader
    from sidecar.model.message import Request, Response
    from sidecar.model.prediction import Prediction
    from sidecar.protocols.base import Limits

_MODEL_NAME = re.compile(r"[!-~]{1,128}")
"""Printable ASCII: repositories' names have slashes, adapters' names colons."""

_READ = frozenset(("model", "stream", "metadata", "messages", "prompt", "prompt_embeds", "input"))


class OpenAI:
    """Chat completions, completions and embeddings."""

    name = "openai"
    names_model = True

    def read_request(self, endpoint: Endpoint, request: Request, facts: Facts, limits: Limits) -> Call:
        """See `ServingProtocol.read_request`."""
        del facts  # bodies are alike for all models
        require_json(request)
        body = json_object(request.body)
        _check_names(body)
        instances = _COUNTS[endpoint.operation](body)
        check_instances(instances, limits)
        metadata = object_member(body, "metadata")
        return Call(
            endpoint._replace(model=_model(body, endpoint.model)),
            instances,
            second_sources(metadata, "metadata"),
            metadata,
            stream=endpoint.operation != EMBEDDING and _stream(body),
        )

    def input_column(self, call: Call, facts: ModelFacts, reader: Reader) -> Sequence[object] | None:
        """The one value in `metadata`, for all instances."""
        del facts
        return cells((call.body,), reader)

    def read_prediction(self, call: Call, response: Response, facts: ModelFacts) -> Prediction:
        """See `ServingProtocol.read_prediction`."""
        answer = Answer(call, facts.read)
        return reading.read_prediction(
            call, response, facts.read, answer, document_of=answer.document, maps_of=answer.maps
        )

    def refusal_members(self, message: str) -> dict[str, object]:
        """OpenAI's error object."""
        return {"error": {"message": message, "type": "policy_refusal", "param": None, "code": None}}

    def render_fallback(self, call: Call, outputs: Sequence[object]) -> Response | None:
        """Each entry as the content of a choice, as JSON where it is no string; for embeddings none."""
        if call.endpoint.operation == EMBEDDING or len(outputs) != call.instances:
            return None
        return fallback_response(call, outputs)


def _check_names(body: Mapping[str, object]) -> None:
    # Servers in Go (Ollama, LocalAI) match names whatever their case, and the last one counts.
    if any(name not in _READ and name.casefold() in _READ for name in body):
        raise body_malformed("a member has a name that some servers take for one that is judged")


def _model(body: Mapping[str, object], default: str | None) -> str:
    """The model's name; `default`, if any, is the operator's word on what the server takes where none is named."""
    model = body.get("model")
    if model is None and default is not None:
        return default
    if not isinstance(model, str) or _MODEL_NAME.fullmatch(model) is None:
        raise body_malformed("model is not a name of 1 to 128 printable ASCII characters without spaces")
    return model


def _stream(body: Mapping[str, object]) -> bool:
    stream = body.get("stream")
    # Servers take `1` and `"yes"` for true, or do not: only what all read alike passes.
    if stream is not None and not isinstance(stream, bool):
        raise body_malformed("stream is not a boolean")
    return stream is True


def _chat_instances(body: Mapping[str, object]) -> int:
    messages = body.get("messages")
    # An array of arrays is a batch of conversations in some servers.
    if not is_array(messages) or not all(map(is_object, messages)):
        raise body_malformed("messages is not an array of objects")
    return 1


def _completion_instances(body: Mapping[str, object]) -> int:
    # vLLM adds them to those of `prompt`: instances of which nothing was read.
    if body.get("prompt_embeds") is not None:
        raise body_malformed("prompt_embeds is not taken; send prompt")
    return _texts(body, "prompt")


def _embedding_instances(body: Mapping[str, object]) -> int:
    # vLLM embeds a conversation in place of an input.
    if body.get("messages") is not None:
        raise body_malformed("messages is not taken for embeddings; send input")
    return _texts(body, "input")


_COUNTS: Mapping[str, Callable[[Mapping[str, object]], int]] = {
    CHAT: _chat_instances,
    COMPLETION: _completion_instances,
    EMBEDDING: _embedding_instances,
}


def _texts(body: Mapping[str, object], name: str) -> int:
    """How many texts a member holds: a string or an array of tokens is one, an array of such as many as it has."""
    value = body.get(name)
    if isinstance(value, str):
        return 1
    if is_array(value):
        if not value or all(isinstance(item, str) for item in value):
            return len(value)
        if _are_tokens(value):
            return 1
        if all(is_array(item) and _are_tokens(item) for item in value):
            return len(value)
    raise body_malformed(f"{name} is neither a string, nor an array of strings, of tokens, or of arrays of tokens")


def _are_tokens(value: list[object]) -> bool:
    # Not isinstance: a JSON boolean is no token.
    return set(map(type, value)) <= {int}
