"""TF Serving's documented requests and answers, from its public REST API page in words and numbers of our own.

The real server is not at hand, so this is the contract that stands for it. An entry of `exchanges/*.yaml`:

    what      what it shows; unique
    request   path ({model} is a model of its own), body; method (POST), headers, content_type (application/json; null
              sends none), gzip (the body is sent so)
    answer    the body that the model server answers with, and `status` (200)
    read      the model's `read`, and `batch`
    seen      what the records must say; or
    refused   the reason; without an answer, the model server must not be asked
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "exchanges"
GOOD = {"X-Data-Version": "fresh", "X-Consent-Scope": "credit_scoring", "X-Protected-Group": "a"}


@dataclass(frozen=True)
class Documented:
    """One exchange. `model` is its own, so that one sidecar serves all."""

    model: str
    what: str
    request: dict[str, Any]
    answer: str | None = None
    status: int = 200
    read: dict[str, Any] = field(default_factory=dict[str, Any])
    batch: bool = True
    seen: dict[str, Any] | None = None
    refused: str | None = None

    @property
    def method(self) -> str:
        return self.request.get("method", "POST")

    @property
    def path(self) -> str:
        return self.request["path"].replace("{model}", self.model)

    @property
    def body(self) -> bytes:
        """As it is sent."""
        plain = self.request.get("body", "").encode()
        return gzip.compress(plain, mtime=0) if self.request.get("gzip") else plain

    @property
    def headers(self) -> dict[str, str]:
        """Good attributes, but for what the entry says; an empty value removes one."""
        media_type = self.request.get("content_type", "application/json") if self.method == "POST" else None
        headers = GOOD | {
            "Content-Type": media_type or "",
            "Content-Encoding": "gzip" if self.request.get("gzip") else "",
        }
        return {name: value for name, value in (headers | self.request.get("headers", {})).items() if value}

    @property
    def facts(self) -> dict[str, Any]:
        """The model's, in which only rules about the request are enforced."""
        off = ("fairness_band", "group_mean_band", "disparate_impact", "explanation")
        return {
            "max_age_days": 30,
            "required_scopes": ["credit_scoring"],
            "instances_per_token": 100,
            "groups": ["a"],
            "unknown_group": "deny",
            "batch": self.batch,
            "rules": dict.fromkeys(off, "off"),
            "read": {"group": "header:X-Protected-Group"} | self.read,
        }


def documented() -> list[Documented]:
    """All of them."""
    entries = [entry for path in sorted(FOLDER.glob("*.yaml")) for entry in yaml.safe_load(path.read_text())]
    return [Documented(f"m{number}", **entry) for number, entry in enumerate(entries)]
