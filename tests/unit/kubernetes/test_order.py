"""The node of the test cluster: the order in which containers start and stop."""

from __future__ import annotations

import pytest

from tests.kubernetes.node.order import (
    Role,
    Stage,
    Standing,
    is_initialized,
    outcome,
    roles,
    stops_before,
    to_start,
)

WAITS, RUNS = Stage.WAITING, Stage.RUNNING


def init(stage: Stage) -> Standing:
    return Standing(Role.INIT, stage)


def sidecar(stage: Stage, *, started: bool = False) -> Standing:
    return Standing(Role.SIDECAR, stage, is_started=started)


def main(stage: Stage) -> Standing:
    return Standing(Role.MAIN, stage, is_started=stage is RUNS)


def ended(role: Role, code: int = 0) -> Standing:
    return Standing(role, Stage.ENDED, exit_code=code)


STARTED = sidecar(RUNS, started=True)
DONE = ended(Role.INIT)


def test_roles_of_a_spec() -> None:
    names = [{"name": "a", "restartPolicy": "Always"}, {"name": "b"}]
    found = roles({"initContainers": names, "containers": [{"name": "c"}]})
    assert [(role, each["name"]) for role, each in found] == [(Role.SIDECAR, "a"), (Role.INIT, "b"), (Role.MAIN, "c")]


@pytest.mark.parametrize(
    ("pod", "starting"),
    [
        ([init(WAITS), sidecar(WAITS), main(WAITS)], [0]),
        ([init(RUNS), sidecar(WAITS), main(WAITS)], []),
        ([DONE, sidecar(WAITS), main(WAITS)], [1]),
        ([DONE, sidecar(RUNS), main(WAITS)], []),
        ([DONE, STARTED, main(WAITS), main(WAITS)], [2, 3]),
        ([STARTED, STARTED, main(RUNS)], []),
        # A sidecar starts again, whatever it ended with, and holds nothing up once the others have begun.
        ([ended(Role.SIDECAR), init(WAITS), main(WAITS)], [0]),
        ([ended(Role.SIDECAR, 1), STARTED, main(RUNS)], [0]),
        ([sidecar(RUNS), STARTED, ended(Role.MAIN, 1)], [2]),
        # An init container starts again until it succeeds, and never after that.
        ([ended(Role.INIT, 1), main(WAITS)], [0]),
        ([DONE, ended(Role.MAIN)], [1]),
    ],
)
def test_what_starts_where_all_is_restarted(pod: list[Standing], starting: list[int]) -> None:
    assert to_start(pod, "Always") == starting


@pytest.mark.parametrize(
    ("policy", "pod", "starting", "end"),
    [
        ("Always", [ended(Role.MAIN)], [0], None),
        ("OnFailure", [ended(Role.MAIN)], [], "Succeeded"),
        ("OnFailure", [ended(Role.MAIN, 1), ended(Role.MAIN)], [0], None),
        ("Never", [ended(Role.MAIN, 1), ended(Role.MAIN)], [], "Failed"),
        ("Never", [STARTED, ended(Role.MAIN)], [], "Succeeded"),
        ("Never", [STARTED, ended(Role.MAIN), main(RUNS)], [], None),
        ("Never", [ended(Role.INIT, 1), main(WAITS)], [], "Failed"),
        ("OnFailure", [ended(Role.INIT, 1), main(WAITS)], [0], None),
    ],
)
def test_restart_policies(policy: str, pod: list[Standing], starting: list[int], end: str | None) -> None:
    assert (to_start(pod, policy), outcome(pod, policy)) == (starting, end)


@pytest.mark.parametrize(
    ("pod", "initialized"),
    [
        ([main(WAITS)], True),
        ([DONE, STARTED, main(WAITS)], True),
        ([DONE, sidecar(RUNS), main(WAITS)], False),
        ([init(RUNS), main(WAITS)], False),
        ([ended(Role.SIDECAR, 1), main(RUNS)], True),
    ],
)
def test_when_a_pod_is_initialized(pod: list[Standing], initialized: bool) -> None:
    assert is_initialized(pod) is initialized


def test_sidecars_stop_after_the_others_and_last_first() -> None:
    pod = [STARTED, DONE, STARTED, main(RUNS), main(RUNS)]
    assert [stops_before(pod, place) for place in range(5)] == [[2, 3, 4], [], [3, 4], [], []]
