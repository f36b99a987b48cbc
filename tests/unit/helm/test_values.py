from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from tests.unit.helm.charts import CHART, ROOT, VALUES, Json, helm, merged, refusal, render

if TYPE_CHECKING:
    from collections.abc import Iterator

sys.path.insert(0, str(ROOT / "scripts" / "lib"))

import chart  # a script's own folder, which is no package

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text())
TEMPLATES = "".join(path.read_text() for path in (CHART / "templates").rglob("*") if path.is_file())


def objects_of(schema: Any) -> Iterator[Json]:
    """Every part of a schema that is of an object."""
    parts = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    if isinstance(schema, dict) and schema.get("type") == "object":
        yield schema
    for part in parts:
        yield from objects_of(part)


def leaves(values: Json, path: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict) and value and "resources" not in key.lower() and key != "dashboardLabels":
            yield from leaves(value, f"{path}{key}.")
        else:
            yield path + key


def test_the_schema_is_a_schema_and_takes_the_defaults() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    jsonschema.validate(DEFAULTS, SCHEMA)


def test_no_object_takes_any_key_but_those_for_free_names_and_the_one_of_helm() -> None:
    open_ones = [part for part in objects_of(SCHEMA) if part.get("additionalProperties") is not False]
    strings = {"type": "object", "additionalProperties": {"type": "string"}}
    assert [part for part in open_ones if part != strings] == [SCHEMA["properties"]["global"]]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"replicas": 2}, "additional properties 'replicas' not allowed"),
        ({"guard": {"engin": "opa"}}, "additional properties 'engin' not allowed"),
        ({"guard": {"settings": {"polcy_timeout_ms": 1}}}, "additional properties 'polcy_timeout_ms' not allowed"),
        ({"guard": {"settings": {"upstream": "http://x"}}}, "additional properties 'upstream' not allowed"),
        ({"registry": {"settings": {"tokens": "/x"}}}, "additional properties 'tokens' not allowed"),
        ({"guard": {"resources": {"limits": {"memroy": "1Gi"}}}}, "additional properties 'memroy' not allowed"),
        ({"guard": {"engine": "regorus"}}, "value must be one of 'opa', 'embedded'"),
        ({"guard": {"adminPort": 80}}, "minimum: got 80, want 1,024"),
        ({"image": {"digest": "latest"}}, "does not match pattern"),
        ({"namespaces": [{"name": "models"}]}, "missing property 'ports'"),
        ({"injector": {"replicas": 0}}, "minimum: got 0, want 1"),
        ({"injector": {"tolerations": [{"kay": "x"}]}}, "additional properties 'kay' not allowed"),
    ],
)
def test_what_the_schema_does_not_know_is_refused(changes: Json, told: str) -> None:
    assert told in refusal(changes)


def test_a_chart_around_this_one_may_pass_on_its_globals() -> None:
    render({"global": {"anything": 1}})


def test_lint_finds_nothing() -> None:
    done = helm("lint", str(CHART), "--strict", values=VALUES)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_value_is_read_by_a_template() -> None:
    last = {path: path.rpartition(".")[2] for path in leaves(DEFAULTS)}
    assert [path for path, name in last.items() if not re.search(rf"[.\"]{name}\b", TEMPLATES)] == []


def test_the_notes_tell_how_to_guard_the_first_pod_and_what_is_not_safe() -> None:
    def notes(changes: Json) -> str:
        done = helm("install", "policy", str(CHART), "--dry-run=client", values=merged(VALUES, changes))
        return done.stdout.partition("NOTES:")[2]

    told = notes({})
    assert "kubectl label namespace NAMESPACE model-policy-sidecar.io/guard=labelled" in told
    assert "kubectl apply -f keys/secrets.yaml" in told
    assert "audit records end with their pods" not in told
    unsafe = notes({"guard": {"audit": {"archive": "", "acceptLoss": True}}, "admission": {"enabled": False}})
    assert "audit records end with their pods" in unsafe
    assert "who can change pods can take the guard out of them" in unsafe


SOURCE = """
# Of the file.

# A number.
# @schema {minimum: 1}
number: 3
group:
  # One of two.
  # @schema {enum: [a, b]}
  choice: a
  # Of another place.
  # @schema {$ref: "#/definitions/port"}
  port: 80
"""


def test_comments_become_schema_and_table() -> None:
    values = chart.read_values(SOURCE)
    schema = chart.schema(values)
    assert {name: schema["properties"][name] for name in ("number", "group")} == {
        "number": {"description": "A number.", "type": "integer", "minimum": 1},
        "group": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "choice": {"description": "One of two.", "type": "string", "enum": ["a", "b"]},
                "port": {"description": "Of another place.", "allOf": [{"$ref": "#/definitions/port"}]},
            },
        },
    }
    page = chart.readme(values)
    assert "| `number` | `3` | A number. |" in page
    assert '| `group.choice` | `"a"` | One of two. One of `a`, `b`. |' in page


def test_generated_files_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert (chart.main(["--check"]), capsys.readouterr().err) == (0, "")
