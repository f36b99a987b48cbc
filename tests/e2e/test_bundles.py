"""`sidecar run --opa` with signed bundles of a registry: what clients, auditors and operators see of a rollback."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson

from tests.bundles import ROOTS, SEQUENCE, Deployment, data_files, revocations_files
from tests.e2e.test_run import BODY, PATH
from tests.process import example_data, started, wait_until
from tests.servers.bundles import bundle_server
from tests.upstream import recording_server

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.process import Sidecar


@contextmanager
def deployed(folder: Path) -> Generator[Deployment]:
    """A registry that publishes the shipped rules with data of today, and an OPA that gets them."""
    with bundle_server() as registry:
        it = Deployment(registry, folder)
        it.publish_all()
        publish_data(it, 1)
        with it.opa():
            yield it


def publish_data(it: Deployment, number: int, sequence: int | None = None) -> None:
    """Data under the revision `data-NUMBER`, and by default the sequence that belongs to it."""
    document = {name: part for name, part in example_data().items() if name in ROOTS["data"]}
    it.publish("data", f"data-{number}", sequence or SEQUENCE + number, files=data_files(**document))


@contextmanager
def running(it: Deployment, upstream: str) -> Generator[Sidecar]:
    with started(it.folder, upstream, "--opa", f"unix://{it.folder}/s", "--server", "mlserver") as sidecar:
        yield sidecar


def codes(sidecar: Sidecar) -> list[str]:
    answer = sidecar.infer(PATH, BODY)
    return [] if answer.status == 200 else answer.codes


def shown(sidecar: Sidecar, metric: str) -> dict[str, float]:
    """A metric of bundles, by bundle."""
    lines = [line for line in sidecar.metrics().splitlines() if line.startswith(f'sidecar_{metric}{{bundle="')]
    return {line.split('"')[1]: float(line.rsplit(" ", 1)[1]) for line in lines}


def events(sidecar: Sidecar) -> list[tuple[str, Any]]:
    return [(record["event"], record["details"]) for record in sidecar.records() if record["kind"] == "EVENT"]


def test_a_rollback_is_refused_shown_and_recorded_and_a_restart_forgets_nothing(tmp_path: Path) -> None:
    with recording_server() as upstream, deployed(tmp_path) as it:
        publish_data(it, 5)
        with running(it, upstream.url) as sidecar:
            sidecar.await_ready()
            wait_until(lambda: "data-5" in str(sidecar.status()["policy"]["revision"]))
            assert codes(sidecar) == []
            publish_data(it, 3)
            wait_until(lambda: codes(sidecar) == ["policy_rolled_back"])
            data = sidecar.status()["bundles"]["data"]
            assert (data["revision"], data["sequence"], data["highest_sequence"]) == (
                "data-3",
                SEQUENCE + 3,
                SEQUENCE + 5,
            )
            assert shown(sidecar, "bundle_rolled_back") == {name: float(name == "data") for name in ROOTS}
            assert sidecar.stop() == 0
            older = {"bundles": [{"bundle": "data", "sequence": SEQUENCE + 3, "highest": SEQUENCE + 5}]}
            assert [details for event, details in events(sidecar) if event == "bundle_rolled_back"] == [older]
        with running(it, upstream.url) as sidecar:
            wait_until(lambda: codes(sidecar) == ["policy_rolled_back"])
            publish_data(it, 3, SEQUENCE + 6)
            sidecar.await_ready()
            assert codes(sidecar) == []
            assert shown(sidecar, "bundle_rolled_back") == dict.fromkeys(ROOTS, 0.0)
            assert sidecar.stop() == 0
            assert [details for event, details in events(sidecar) if event == "bundle_rolled_back"] == [older, older]


def test_revisions_are_whole_in_records_and_bounded_in_metrics(tmp_path: Path) -> None:
    with recording_server() as upstream, deployed(tmp_path) as it, running(it, upstream.url) as sidecar:
        sidecar.await_ready()
        it.publish("revocations", "revocations-2", SEQUENCE + 1, files=revocations_files({"0" * 64: 1}))
        wait_until(lambda: "revocations-2" in str(sidecar.status()["policy"]["revision"]))
        answer = sidecar.infer(PATH, BODY)
        whole = "data-1+policy-1+revocations-2+revocations-earlier-1"
        assert answer.headers["x-policy-revision"] == whole
        page = sidecar.metrics()
        assert 'sidecar_policy_info{engine="opa",revision="data-1+policy-1"} 1.0' in page
        assert 'sidecar_bundle_info{bundle="revocations",revision=""} 1.0' in page
        assert 'sidecar_bundle_info{bundle="data",revision="data-1"} 1.0' in page
        assert "revocations-2" not in page
        assert set(shown(sidecar, "bundle_age_seconds")) == set(ROOTS)
        assert sidecar.stop() == 0
        assert [r["policy_revision"] for r in sidecar.records() if r["kind"] == "INTENT"] == [whole]


def test_a_memory_of_bundles_that_cannot_be_read_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit" / "bundles.json").write_bytes(orjson.dumps({"format": 1}))
    with started(tmp_path, "http://127.0.0.1:1", "--opa", f"unix://{tmp_path}/s", "--server", "mlserver") as sidecar:
        assert sidecar.process.wait(30) == 2
        assert "what was known of bundles cannot be read" in sidecar.log
        assert "delete it to take whatever bundles there are for the newest" in sidecar.log
