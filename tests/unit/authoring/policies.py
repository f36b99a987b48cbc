"""Small policies for the tests of authors' tools: the shipped rules without their tests, and one guard of one's own."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from sidecar.authoring.opa import Opa
from sidecar.authoring.syntax import Module, module_of
from tests.policies import REGO, opa_binary

if TYPE_CHECKING:
    from pathlib import Path

GUARD = """\
# METADATA
# title: Weekdays
# description: Models rest on Sundays.
# custom:
#   control: OPS-2
#   reasons: [sunday]
package guards.weekdays.request

# METADATA
# title: No Sunday
# description: It is none.
default pass := false

pass if data.models[input.endpoint.model].sunday == false

# METADATA
# title: Sunday
# description: It is one.
# custom:
#   reasons: [sunday]
violation contains {"code": "sunday", "message": "it is Sunday", "remedy": "Call tomorrow."} if {
	data.models[input.endpoint.model].sunday == true
}
"""
TEST = """\
package guards.weekdays.request_test

import data.guards.weekdays.request as guard

asking := {"endpoint": {"model": "credit"}}

test_permits_a_weekday if guard.pass with input as asking with data.models as {"credit": {"sunday": false}}

test_denies_a_sunday if {
	sunday := {"credit": {"sunday": true}}
	not guard.pass with input as asking with data.models as sunday
	count(guard.violation) == 1 with input as asking with data.models as sunday
}
"""
GUARD_FILE = "guards/weekdays/request/weekdays.rego"
TEST_FILE = "guards/weekdays/request/weekdays_test.rego"


def written(root: Path, **files: str) -> Path:
    """Files below a folder, by path; a path's `/` and `.` are given as they are."""
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def small_policy(root: Path, guard: str = GUARD, test: str = TEST) -> Path:
    """A whole policy that is good, with tests of its one own guard alone."""
    shutil.copytree(REGO, root, ignore=shutil.ignore_patterns("*_test.rego", "sidecar"))
    return written(root, **{GUARD_FILE: guard, TEST_FILE: test})


def opa() -> Opa:
    return Opa(opa_binary())


def modules(folder: Path, **files: str) -> list[Module]:
    """These modules as the checks see them."""
    written(folder, **files)
    return [module_of(file, tree) for file, tree in opa().trees(folder, files).items()]
