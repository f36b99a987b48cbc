"""The targets on their seeds, on every finding so far, and on the hostile corpus: no fuzzer is needed for that."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS, Target
from tests.hostile.corpus import framing, governed, json_bodies, lines

FINDINGS = Path(__file__).parent / "findings"
HOSTILE = [case.sent for case in itertools.chain(framing.CASES, governed.CASES, json_bodies.CASES, lines.CASES)]
CASES = [
    *(pytest.param(target, seed, id=f"{target.name}-seed") for target in TARGETS.values() for seed in target.seeds),
    *(
        pytest.param(TARGETS[path.parent.name], path.read_bytes(), id=f"{path.parent.name}-{path.name}")
        for path in sorted(FINDINGS.glob("*/*"))
    ),
]


@pytest.mark.parametrize(("target", "data"), CASES)
def test_seeds_and_findings(target: Target, data: bytes) -> None:
    target.check(data)


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_the_hostile_corpus(target: Target) -> None:
    for sent in HOSTILE:
        if len(sent) < 10_000:
            target.check(sent)
            target.check(b"\0\0\0" + sent.partition(b"\r\n\r\n")[2])


def test_a_target_can_fail() -> None:
    with pytest.raises(AssertionError):
        Target("broken", _never).check(b"")


def _never(_: bytes) -> None:
    raise AssertionError
