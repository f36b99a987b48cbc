from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest

from sidecar.model.facts import BundleFacts
from sidecar.policy.age import Confirmed
from sidecar.policy.bundle_memory import Remembered, decode, encode
from sidecar.policy.bundle_watch import SAVE_S, BundlesRolledBack, BundleStatus, BundleWatch
from sidecar.policy.problems import PolicyProblems
from sidecar.policy.sequences import RolledBack
from tests.bundles import Kept
from tests.support import FixedClock

DATA = BundleFacts("d1", ("models",), 20, 1_795_000_000.0)


class Threads(Kept):
    """Notes by which threads it is used, and can fail."""

    def __init__(self, content: bytes | None = None) -> None:
        super().__init__(content)
        self.users: set[int] = set()
        self.error: OSError | None = None

    def read(self) -> bytes | None:
        self.users.add(threading.get_ident())
        return super().read()

    def replace(self, content: bytes) -> None:
        self.users.add(threading.get_ident())
        if self.error is not None:
            raise self.error
        super().replace(content)


def status(clock: FixedClock, revision: str = "d1", **fields: object) -> dict[str, object]:
    now = datetime.fromtimestamp(clock.unix_s(), UTC).isoformat()
    times = dict.fromkeys(("last_successful_activation", "last_successful_download", "last_successful_request"), now)
    return {"bundles": {"data": {"active_revision": revision, **times, **fields}}}


def known(memory: Kept) -> Remembered:
    assert memory.content is not None
    return decode(memory.content)


async def watched(memory: Kept, clock: FixedClock | None = None) -> BundleWatch:
    watch = BundleWatch(clock or FixedClock(), memory)
    await watch.open()
    return watch


async def test_a_sequence_is_durable_when_its_bundle_may_decide() -> None:
    memory = Threads()
    watch = await watched(memory)
    await watch.admit({"data"}, {"data": DATA})
    assert known(memory) == Remembered({"data": 20})
    await watch.admit({"data"}, {"data": DATA})
    assert memory.writes == 1
    assert threading.get_ident() not in memory.users


async def test_one_that_cannot_be_kept_is_not_admitted() -> None:
    memory = Threads()
    memory.error = OSError(28, "No space left on device")
    watch = await watched(memory)
    for _ in range(2):
        with pytest.raises(PolicyProblems, match=r"sequences cannot be kept: .*No space left"):
            await watch.admit({"data"}, {"data": DATA})
    memory.error = None
    await watch.admit({"data"}, {"data": DATA})
    assert known(memory).sequences == {"data": 20}


async def test_what_would_be_a_rollback_is_told_before_it_is_active_and_changes_nothing() -> None:
    memory = Kept(encode(Remembered({"data": 20})))
    watch = await watched(memory)
    assert watch.older({"data": BundleFacts("d0", ("models",), 19)}) == (RolledBack("data", 19, 20),)
    assert watch.older({"data": DATA, "policy": BundleFacts("p1")}) == ()
    assert (watch.statuses(), watch.rolled_back, memory.writes) == ((), (), 0)


async def test_a_rollback_raises_nothing_and_is_shown_until_it_is_mended() -> None:
    memory = Kept(encode(Remembered({"data": 20, "policy": 7})))
    watch = await watched(memory)
    older = {"data": BundleFacts("d0", ("models",), 19), "policy": BundleFacts("p9", ("lib",), 9)}
    with pytest.raises(BundlesRolledBack) as raised:
        await watch.admit(set(older), older)
    assert raised.value.bundles == watch.rolled_back == (RolledBack("data", 19, 20),)
    assert raised.value.problems == (str(RolledBack("data", 19, 20)),)
    assert known(memory).sequences == {"data": 20, "policy": 7}
    assert watch.statuses() == (
        BundleStatus("data", older["data"], 20, None, None, rolled_back=True),
        BundleStatus("policy", older["policy"], 7, None, None, rolled_back=False),
    )
    mended = older | {"data": BundleFacts("d0", ("models",), 21)}
    await watch.admit(set(mended), mended)
    assert watch.rolled_back == ()
    assert known(memory).sequences == {"data": 21, "policy": 9}


async def test_confirmations_are_written_at_each_change_and_about_once_a_minute() -> None:
    memory, clock = Kept(), FixedClock()
    watch = await watched(memory, clock)
    await watch.observe(status(clock))
    assert known(memory).confirmed == {"data": Confirmed("d1", clock.unix_s())}
    clock.advance(SAVE_S / 2)
    await watch.observe(status(clock))
    assert memory.writes == 1
    await watch.observe(status(clock, "d2"))
    assert known(memory).confirmed == {"data": Confirmed("d2", clock.unix_s())}
    clock.advance(SAVE_S)
    await watch.observe(status(clock, "d2"))
    assert memory.writes == 3
    assert known(memory).confirmed == {"data": Confirmed("d2", clock.unix_s())}


async def test_a_confirmation_that_cannot_be_kept_is_a_problem_and_no_more() -> None:
    memory, clock = Threads(), FixedClock()
    watch = await watched(memory, clock)
    memory.error = OSError(28, "No space left on device")
    await watch.observe(status(clock))
    assert watch.problems == ("the bundles' age cannot be kept: [Errno 28] No space left on device",)
    assert watch.age_s() == 0.0
    memory.error = None
    clock.advance(SAVE_S)
    await watch.observe(status(clock))
    assert watch.problems == ()


async def test_what_was_known_outlives_a_restart() -> None:
    memory, clock = Kept(), FixedClock()
    watch = await watched(memory, clock)
    await watch.admit({"data"}, {"data": DATA})
    await watch.observe(status(clock))
    clock.advance(600)
    again = await watched(memory, clock)
    await again.admit({"data"}, {"data": DATA})
    await again.observe(
        status(clock, code="bundle_error", message="refused", last_successful_download="0001-01-01T00:00:00Z")
    )
    assert again.age_s() == 600.0
    assert again.statuses() == (BundleStatus("data", DATA, 20, 600.0, "refused", rolled_back=False),)
    assert again.problems == ("bundle data: refused",)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"format":1,"bundles":{"data":1}}'])
async def test_a_memory_that_cannot_be_read_is_not_taken_for_an_empty_one(content: bytes) -> None:
    with pytest.raises(PolicyProblems, match=r"cannot be read: .*restore the file, or delete it"):
        await watched(Kept(content))


async def test_without_a_memory_all_is_known_to_the_process_alone() -> None:
    watch = BundleWatch(FixedClock())
    await watch.open()
    await watch.admit({"data"}, {"data": DATA})
    with pytest.raises(BundlesRolledBack):
        await watch.admit({"data"}, {})
