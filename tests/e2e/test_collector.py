"""What is on record reaches a real OpenTelemetry Collector, however often that is killed."""

from __future__ import annotations

import itertools
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.process import Sidecar, sidecar, wait_until
from tests.servers.otelcol import OtelCollector
from tests.upstream import recording_server

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

PATH = "/v2/models/credit/infer"
BODY = {"inputs": [{"name": "income", "shape": [1], "datatype": "FP64", "data": [50.0]}]}
CLIENTS = 4
CALLS_EACH = 60
"""Calls between two deaths of the collector."""
LAG = "sidecar_ship_lag_records"


@pytest.fixture
def collector(tmp_path: Path) -> Generator[OtelCollector]:
    made = OtelCollector(tmp_path)
    yield made
    made.kill()


class Load:
    """Clients that call until the block ends: released, refused and malformed calls in turn."""

    def __init__(self, running: Sidecar) -> None:
        self._running = running
        self._ended = threading.Event()
        self._calls = itertools.count(1)
        self.made = 0
        self.failed: list[Exception] = []

    def work(self) -> None:
        token = self._running.issuer.token()
        variants: list[tuple[Any, dict[str, str], int]] = [
            (BODY, {}, 200),
            (BODY, {"X_Data_Version": "stale"}, 403),
            (b"{", {}, 400),
            (BODY, {"traceparent": f"00-{'a' * 32}-{'b' * 16}-00"}, 200),  # not sampled, by the client's word
        ]
        try:
            while not self._ended.is_set():
                body, headers, status = variants[next(self._calls) % len(variants)]
                assert self._running.infer(PATH, body, token=token, **headers).status == status
                self.made += 1
        except Exception as error:  # told by the test
            self.failed.append(error)

    def await_more(self, count: int) -> None:
        goal = self.made + count
        wait_until(lambda: self.made >= goal or bool(self.failed))

    @contextmanager
    def running(self) -> Generator[None]:
        threads = [threading.Thread(target=self.work) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._ended.set()
            for thread in threads:
                thread.join()


def lag(running: Sidecar) -> float:
    [line] = [line for line in running.metrics().splitlines() if line.startswith(f"{LAG}{{")]
    return float(line.rpartition(" ")[2])


def attempts(running: Sidecar) -> int:
    """To ship, without success."""
    return running.log.count("nothing is lost, but not shipped")


def test_a_collector_killed_and_restarted_under_load_has_every_decision(
    collector: OtelCollector, tmp_path: Path
) -> None:
    with recording_server() as upstream, sidecar(tmp_path, upstream.url, "--otlp", collector.url) as running:
        load = Load(running)
        with load.running():
            for _ in range(3):
                collector.start()
                load.await_more(CALLS_EACH)
                tried = attempts(running)
                collector.kill()
                load.await_more(CALLS_EACH)
                wait_until(lambda tried=tried: attempts(running) > tried)
                assert lag(running) > 0
            collector.start()
            load.await_more(CALLS_EACH)
        wait_until(lambda: lag(running) == 0, timeout_s=60)
    assert load.failed == []
    recorded = running.records()
    decided = {record["decision_id"] for record in recorded if record["kind"] in ("INTENT", "REFUSAL")}
    assert len(decided) >= 7 * CALLS_EACH
    assert {span["sidecar.decision_id"] for span in collector.attributes("Spans")} == decided
    others = {record["sequence"] for record in recorded if record["kind"] in ("EVENT", "REFUSAL_SUMMARY")}
    assert {int(log["sidecar.audit.sequence"]) for log in collector.attributes("Logs")} == others


def test_a_sidecar_killed_while_the_collector_is_dead_loses_nothing(collector: OtelCollector, tmp_path: Path) -> None:
    """The next start on the same folder ships the rest, with the OUTCOME `unknown` of what the kill cut off."""
    (tmp_path / "first").mkdir()
    flags = ["--audit-dir", str(tmp_path / "audit"), "--otlp", collector.url]
    with recording_server() as upstream:
        with sidecar(tmp_path / "first", upstream.url, *flags) as running:
            for _ in range(20):
                assert running.infer(PATH, BODY).status == 200
            running.process.kill()
            running.process.wait()
        collector.start()
        (tmp_path / "second").mkdir()
        with sidecar(tmp_path / "second", upstream.url, *flags) as running:
            wait_until(lambda: lag(running) == 0, timeout_s=60)
    released = [span for span in collector.attributes("Spans") if span["sidecar.result"] == "released"]
    assert len({span["sidecar.decision_id"] for span in released}) == 20
