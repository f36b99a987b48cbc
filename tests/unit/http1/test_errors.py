from __future__ import annotations

import inspect
import re

import pytest

from sidecar.http1 import errors
from sidecar.http1.errors import ExchangeFailed, Unreachable


def failures() -> dict[str, type[Exception]]:
    found = inspect.getmembers(errors, lambda member: inspect.isclass(member) and issubclass(member, Exception))
    return dict(found)


def test_the_tree_is_the_one_that_is_drawn() -> None:
    drawn = re.findall(r"^    (?:[├└]── )?(\w+)", errors.__doc__ or "", re.MULTILINE)
    assert drawn[0] == "ExchangeFailed"
    assert sorted(drawn) == sorted(failures())


@pytest.mark.parametrize("failure", [kind for kind in failures().values() if kind is not ExchangeFailed])
def test_each_failure_is_of_one_kind(failure: type[Exception]) -> None:
    # One that were another's would be taken for it: what is no `Unreachable` must never be sent again.
    assert failure.__bases__ == (ExchangeFailed,)
    assert isinstance(failure("text"), Unreachable) is (failure is Unreachable)
