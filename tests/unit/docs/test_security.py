"""docs/security.md claims nothing that no test holds, and no limit that is not the code's own."""

from __future__ import annotations

import ast
import importlib
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from sidecar.proxy.incoming import HttpLimits
from sidecar.settings.fields import Settings

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "security.md").read_text()
TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
LIMITS = re.findall(r"^\| [^|]+ \| ([\d.]+) \| `([\w.-]+)` \|$", PAGE, re.MULTILINE)


@cache
def functions(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize(("path", "name"), TESTS)
def test_the_test_behind_a_claim_exists(path: str, name: str) -> None:
    assert name in functions(path)


@pytest.mark.parametrize(("default", "place"), LIMITS, ids=[place for _, place in LIMITS])
def test_a_limit_is_the_codes_own(default: str, place: str) -> None:
    assert float(default) == _value(place)


def test_the_page_is_read_at_all() -> None:
    assert len(TESTS) > 30
    assert len(LIMITS) > 20


def _value(place: str) -> Any:
    if place.startswith("--"):
        return Settings.model_fields[place[2:].replace("-", "_")].default
    module, _, name = place.rpartition(".")
    if module.endswith(".HttpLimits"):
        return getattr(HttpLimits(), name)
    return getattr(importlib.import_module(module), name)
