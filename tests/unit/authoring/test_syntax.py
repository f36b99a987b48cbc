from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.authoring.syntax import custom, reasons_of
from tests.unit.authoring.policies import modules

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """\
# METADATA
# title: A
# custom:
#   reasons: [a, b]
package guards.a.request

import data.lib.groups
import data.lib.call as known

# METADATA
# title: Pass
default pass := false

pass if groups.named["x"]

deep.er[i] := known.model if {
	some i in data.lib.call.list
	local := input.instances
	data.models[known.name].band > local
}
"""


def test_a_module_in_the_words_of_the_checks(tmp_path: Path) -> None:
    [module] = modules(tmp_path, **{"a.rego": TEXT})
    assert (module.file, module.package, module.row, module.is_guard) == ("a.rego", "guards.a.request", 5, True)
    assert (module.metadata["title"], reasons_of(module.metadata)) == ("A", ["a", "b"])
    assert module.imports == {"groups": ("lib", "groups"), "known": ("lib", "call")}
    assert [(rule.name, rule.row, rule.metadata.get("title")) for rule in module.rules] == [
        ("pass", 12, "Pass"),
        ("pass", 14, None),
        ("deep", 16, None),
    ]


def test_references_are_told_by_their_full_path(tmp_path: Path) -> None:
    [module] = modules(tmp_path, **{"a.rego": TEXT})
    own = ("guards", "a", "request")
    assert {path for path in module.references(module.rules[1].tree) if path[:3] != own} == {
        ("lib", "groups", "named", "x")
    }
    found = set(module.references(module.rules[2].tree))
    assert {path for path in found if path[:1] == ("lib",)} == {
        ("lib", "call", "model"),
        ("lib", "call", "list"),
        ("lib", "call", "name"),
    }
    assert ("models",) in found
    assert (*own, "local") in found  # may be a rule of its own as well


def test_metadata_that_opa_takes_and_nobody_means_is_none() -> None:
    assert custom({"custom": "E1"}) == {}
    assert reasons_of({"custom": {"reasons": "a"}}) == []
    assert reasons_of({}) == []
