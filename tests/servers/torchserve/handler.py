"""The credit model as a TorchServe handler.

Takes a JSON object with `income` and `loan_amount`, or `forced_score`, which becomes the score as it is.
Answers `{"score": …, "label": …}`; where the request has `"echo_headers": true` also `received_headers`. Asked at
`/explanations`, also `explanation`, a weight an input, after `explain_delay_s` where the request has that.
"""

from __future__ import annotations

import json
import time
from typing import Any

import credit_score  # pyright: ignore[reportMissingImports]  (packed into the archive beside this file)


def handle(data: list[dict[str, Any]] | None, context: Any) -> list[str]:
    """One answer an item of the batch; TorchServe also calls it once with nothing, to load it."""
    answers: list[str] = []
    for index, item in enumerate(data or []):
        row, headers = _json_object(item), context.get_all_request_header(index)
        # TorchServe itself sets this header, by the path.
        explained = _explain(row) if headers.get("explain") == "True" else {}
        answers.append(json.dumps(_predict(row, headers) | explained))
        context.set_response_content_type(index, "application/json")
    return answers


def _json_object(item: dict[str, Any]) -> dict[str, Any]:
    # TorchServe has parsed a body sent as application/json; any other type comes as bytes.
    body = item.get("body", item.get("data"))
    return body if isinstance(body, dict) else json.loads(bytes(body))


def _explain(row: dict[str, Any]) -> dict[str, Any]:
    time.sleep(row.get("explain_delay_s", 0))
    return {"explanation": {"income": 0.4, "loan_amount": -0.6}}


def _predict(row: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    if "forced_score" in row:
        score = float(row["forced_score"])
    else:
        score = credit_score.score(row["income"], row["loan_amount"])
    answer: dict[str, Any] = {"score": score, "label": credit_score.label(score)}
    if row.get("echo_headers"):
        answer["received_headers"] = headers
    return answer
