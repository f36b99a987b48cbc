"""How windows, tests and throttles are written in a store, and under which names."""

from __future__ import annotations

import logging
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import orjson

from sidecar.fairness.cells import Cell
from sidecar.fairness.epoch import EpochTest
from sidecar.fairness.throttle import Armed, Hold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sidecar.fairness.buckets import Cells
    from sidecar.fairness.watch import Watch

logger = logging.getLogger(__name__)

UNREADABLE = (KeyError, TypeError, ValueError, AttributeError)
"""What a value raises that no replica of this version wrote."""


def bucket_key(watch: Watch) -> str:
    """Cells mean the same for the same model, version, score and positive outcome."""
    read = watch.facts.read
    return _digest(watch.facts.name, watch.version, str(read.score), str(read.label), str(read.positive))


def hash_of_test(watch: Watch, test: EpochTest) -> str:
    """One hash for an epoch's test: all replicas that test the same by the same terms take it on together."""
    return f"test:{_digest(bucket_key(watch), test.groups, test.limit, test.alpha)}:{test.number}"


def _digest(*parts: object) -> str:
    return blake2b(orjson.dumps(parts), digest_size=12).hexdigest()


def write_cells(cells: Mapping[str, Cell]) -> bytes:
    """One replica's cells of one minute."""
    return orjson.dumps({group: cell.state() for group, cell in cells.items()})


def read_cells(value: bytes, replica: str) -> Cells | None:
    """See `write_cells`. None where they cannot be read."""
    try:
        return {group: Cell.from_state(state) for group, state in orjson.loads(value).items()}
    except UNREADABLE:
        logger.warning("the window store holds cells of replica %s that cannot be read", replica)
        return None


def read_test(state: bytes | None) -> EpochTest | None:
    """None where there is none, or none that can be read: it is to be replaced then."""
    if state is None:
        return None
    try:
        return EpochTest.from_state(orjson.loads(state))
    except UNREADABLE:
        logger.warning("the window store holds a test that cannot be read; it is replaced by our own copy")
        return None


def copy_of(test: EpochTest) -> EpochTest:
    """One that can be taken on without changing the other."""
    return EpochTest.from_state(orjson.loads(orjson.dumps(test.state())))


def hash_of_holds(epoch: int) -> str:
    """One hash for the throttles that were armed in an epoch; it expires with it."""
    return f"holds:{epoch}"


def field_of_hold(hold: Hold) -> str:
    """A field for each model and version."""
    return orjson.dumps([hold.armed.model, hold.armed.version]).decode()


def write_hold(hold: Hold, ahead_s: float) -> bytes:
    """Its end is by the store's clock, which is `ahead_s` ahead of ours."""
    state: dict[str, Any] = hold.armed.details() | {
        "epoch": hold.epoch,
        "until_unix_s": hold.ends_unix_s + ahead_s,
        "by": hold.by,
    }
    return orjson.dumps(state)


def read_hold(value: bytes | None, ahead_s: float) -> Hold | None:
    """See `write_hold`. None where there is none, or none that can be read."""
    if value is None:
        return None
    try:
        state = orjson.loads(value)
        until_unix_s = float(state["until_unix_s"]) - ahead_s
        armed = Armed(
            str(state["model"]),
            state["version"],
            float(state["rate_per_s"]),
            float(state["hold_s"]),
            until_unix_s,
            int(state["number"]),
        )
        return Hold(armed, int(state["epoch"]), until_unix_s, str(state["by"]), is_ours=False)
    except UNREADABLE:
        logger.warning("the window store holds a throttle that cannot be read")
        return None
