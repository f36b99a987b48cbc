from __future__ import annotations

from sidecar.bundles.manifest import Manifest
from sidecar.bundles.signing import VerifyingKey
from sidecar.http1.target import Target
from sidecar.policy.bundled.config import BundleSpec
from sidecar.policy.bundled.opening import Opened
from sidecar.policy.bundled.state import NEVER, BundleState, Candidate
from tests.bundles import key

SPEC = BundleSpec("data", Target.parse("http://127.0.0.1:1"), "/d", VerifyingKey(key("ours")[1]), "data")
ACTIVE = Opened("data", "a" * 64, Manifest("r1"), {}, ())
NEXT = Opened("data", "b" * 64, Manifest("r2"), {}, ())


def test_of_a_bundle_that_never_came_nothing_is_known() -> None:
    assert BundleState(SPEC).as_status() == {
        "active_revision": "",
        "last_successful_activation": NEVER,
        "last_successful_download": NEVER,
        "last_successful_request": NEVER,
    }
    assert BundleState(SPEC).newest is None


def test_it_is_told_in_opas_words() -> None:
    state = BundleState(SPEC, ACTIVE, refused="it is not signed", unkept="no room")
    state.requested_unix_s, state.downloaded_unix_s, state.activated_unix_s = 1_795_300_002.0, 1_795_300_000.5, 1.0
    assert state.as_status() == {
        "active_revision": "r1",
        "last_successful_activation": "1970-01-01T00:00:01+00:00",
        "last_successful_download": "2026-11-21T22:26:40.500000+00:00",
        "last_successful_request": "2026-11-21T22:26:42+00:00",
        "code": "bundle_error",
        "message": "it is not signed; no room",
    }


def test_what_should_be_active_is_the_candidate() -> None:
    state = BundleState(SPEC, ACTIVE, latest=ACTIVE.digest)
    assert (state.newest, state.is_current) == (ACTIVE, True)
    state.candidate, state.latest = Candidate(NEXT, b""), NEXT.digest
    assert (state.newest, state.is_current) == (NEXT, False)
