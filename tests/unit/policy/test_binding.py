from __future__ import annotations

import gc
import importlib.metadata
import subprocess
import sys
import threading
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest

from sidecar.policy.binding import KINDS, REMEDY, Regorus, installed
from sidecar.policy.problems import PolicyProblems
from tests.bindings import FORK, NATIVE, binding, only, require

__all__ = ["binding"]  # a fixture

LOCK = Path(__file__).resolve().parents[3] / "native" / "Cargo.lock"
ENDLESS = "x := count([1 | some i in numbers.range(1, 9000); some j in numbers.range(1, 9000); i == j])"
LATE_IMPORT = """
import threading

def use():
    import sidecar_regorus
    engine = sidecar_regorus.Engine()
    engine.add_policy("t.rego", "package t\\n\\nx := [i | some i in numbers.range(1, 99)]")
    kept.append(engine.clone())
    kept[-1].decide("data.t.x", b"{}")

kept = []
for _ in range(60):
    threads = [threading.Thread(target=use) for _ in range(3)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    del kept[::2]
print("alive")
"""


def regorus(rules: str) -> Regorus:
    made = Regorus()
    made.engine.add_policy("t.rego", f"package t\n\n{rules}")
    return made


def elsewhere(call: Any) -> Any:
    """What a call in another thread gives, or raises."""
    given: list[Any] = []

    def run() -> None:
        try:
            given.append(call())
        except BaseException as error:
            given.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return given[0]


def test_without_a_binding_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in KINDS:
        monkeypatch.setitem(sys.modules, kind.module, None)
    assert installed() is None
    with pytest.raises(PolicyProblems) as raised:
        Regorus()
    assert REMEDY in raised.value.problems[0]


def test_the_binding_in_use_has_a_name_and_a_version(binding: str) -> None:
    kind = installed()
    assert kind is not None
    assert str(kind) == f"{binding} {importlib.metadata.version(kind.distribution)}"
    assert hasattr(Regorus().engine, "decide") == (binding == NATIVE)


def test_ours_comes_before_the_forks() -> None:
    require(NATIVE)
    kind = installed()
    assert kind is not None
    assert kind.module == NATIVE


def test_our_version_is_that_of_the_locked_crate() -> None:
    require(NATIVE)
    versions = {one["name"]: one["version"] for one in tomllib.loads(LOCK.read_text())["package"]}
    assert importlib.metadata.version("model-policy-sidecar-regorus") == versions["regorus"]


def test_a_decision_is_json_in_and_out(binding: str) -> None:
    made = regorus('x := {"é": input.a} if input.a\n\nf := 1.5')
    assert [_whole(made.decide("data.t.x", text)) for text in (b'{"a": [1, "\xc3\xa4"]}', b"{}")] == [
        '{"é":[1,"ä"]}',
        None,
    ]
    assert _whole(made.decide("data.t.f", b"null")) == "1.5"


def _whole(text: bytes | str | None) -> str | None:
    """Without white space."""
    found = text.decode() if isinstance(text, bytes) else text
    return found if found is None else "".join(found.split())


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b'{"a":NaN}', b'{"a":1}x', b'"\\ud800"', b"[" * 200 + b"]" * 200])
def test_what_is_no_input_is_an_error(binding: str, text: bytes) -> None:
    made = regorus("x := 1")
    with pytest.raises((RuntimeError, ValueError)):
        made.decide("data.t.x", text)
    assert _whole(made.decide("data.t.x", b"{}")) == "1"


def test_a_copy_has_what_it_is_copied_from_and_keeps_its_own(binding: str) -> None:
    first = regorus("x := data.d")
    first.engine.add_data_json('{"d": 1}')
    second = first.clone()
    second.engine.add_data_json('{"e": 2}')
    second.engine.add_policy("u.rego", "package u\n\nx := data.e")
    assert [_whole(second.decide(f"data.{package}.x", b"{}")) for package in "tu"] == ["1", "2"]
    with pytest.raises(RuntimeError, match="not a valid rule path"):
        first.decide("data.u.x", b"{}")


def test_ours_ends_an_evaluation_at_its_time_limit() -> None:
    with only(NATIVE):
        limited = regorus(ENDLESS).clone(time_limit_s=0.05)
        started_s = time.monotonic()
        with pytest.raises(TimeoutError, match="time limit"):
            limited.decide("data.t.x", b"{}")
        assert time.monotonic() - started_s < 10  # unlimited it takes a minute


def test_ours_tells_no_backtrace() -> None:
    with only(NATIVE), pytest.raises(RuntimeError) as raised:
        regorus("x := input.a + 1").decide("data.t.x", b'{"a": "b"}')
    assert "--> t.rego:3:11" in str(raised.value)
    assert "backtrace" not in str(raised.value).lower()


def test_ours_may_be_used_by_one_thread_after_the_other() -> None:
    with only(NATIVE):
        made = regorus("x := input")
        assert elsewhere(lambda: made.decide("data.t.x", b"1")) == b"1"
        assert made.decide("data.t.x", b"2") == b"2"


def test_ours_lives_on_where_a_thread_that_has_ended_brought_it_in() -> None:
    require(NATIVE)
    done = subprocess.run([sys.executable, "-c", LATE_IMPORT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr


def collected_elsewhere(make: Any) -> None:
    """What `make` gives is held by nothing but itself, and another thread collects it."""
    gc.collect()
    gc.disable()
    try:
        cycle: list[object] = [make()]
        cycle.append(cycle)
        del cycle
        elsewhere(gc.collect)
    finally:
        gc.enable()


@pytest.fixture
def complaints(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: found.append(str(unraisable.exc_value)))
    return found


def test_the_forks_own_engine_complains_when_it_is_collected_elsewhere(complaints: list[str]) -> None:
    with only(FORK):
        collected_elsewhere(lambda: Regorus().engine)
    assert ["dropped on another thread" in complaint for complaint in complaints] == [True]


def test_an_engine_collected_elsewhere_ends_without_complaint(binding: str, complaints: list[str]) -> None:
    first = Regorus()
    collected_elsewhere(first.clone)
    strays = first._bound_to
    assert (None if strays is None else len(strays)) == (1 if binding == FORK else None)
    again = Regorus()
    assert not again._bound_to
    assert complaints == []


def test_threads_do_not_share_strays() -> None:
    with only(FORK):
        mine = Regorus()
        theirs = elsewhere(lambda: Regorus()._bound_to is mine._bound_to)
        assert theirs is False
