"""OpenAI's own client, as its users write it: `client.py URL HEADERS_JSON`, run in `.servers/fakellm`."""

from __future__ import annotations

import json
import sys
from typing import Any

from openai import OpenAI, PermissionDeniedError


def main(url: str, headers: dict[str, str]) -> dict[str, Any]:
    client = OpenAI(base_url=f"{url}/v1", api_key="no key", default_headers=headers, max_retries=0)

    def ask(question: str, **how: Any) -> Any:
        return client.chat.completions.create(model="credit", messages=[{"role": "user", "content": question}], **how)

    pieces = [piece.choices[0].delta.content or "" for piece in ask("forced_score 0.5", stream=True)]
    answers: dict[str, Any] = {
        "plain": ask("forced_score 0.5").choices[0].message.content,
        "stream": pieces,
        "metadata": ask("forced_score 0.5", metadata={"data_version": "fresh"}).choices[0].message.content,
    }
    try:
        ask("forced_score 0.9")
    except PermissionDeniedError as refusal:
        answers["refused"] = [refusal.status_code, refusal.body]
    return answers


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], json.loads(sys.argv[2]))))
