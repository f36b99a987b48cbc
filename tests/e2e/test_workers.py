"""Several workers as users meet them: one port, one policy, one window; and what becomes of it when one is killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.policy.child import find_opa
from tests.e2e.test_fairness import FAIR, PATH, SKEWED, THROTTLED, data, drawn, echo, judge
from tests.e2e.test_run import BODY
from tests.process import PATIENT, REPOSITORY, Answer, Sidecar, example_data, fetch, sidecar, started, wait_until
from tests.upstream import answering, recording_server

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

pytestmark = pytest.mark.heavy

TWO = ("--workers", "2")


@pytest.fixture(params=["embedded", "opa"])
def engine(request: pytest.FixtureRequest) -> str:
    if request.param == "opa" and find_opa() is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no OPA here: run scripts/install-opa")
    return str(request.param)


@pytest.fixture
def model() -> Generator[str]:
    with answering(echo) as url:
        yield url


def workers(running: Sidecar) -> list[dict[str, Any]]:
    return running.status()["workers"]


def recorded(running: Sidecar, kind: str) -> list[int]:
    """How many records of this kind each worker wrote."""
    return [each["status"]["audit"]["records"].get(kind, 0) for each in workers(running)]


def answered_by_each(running: Sidecar, kind: str) -> list[Answer]:
    """The answers to calls one after the other until each worker wrote such a record: who is awake takes the next."""
    answers: list[Answer] = []

    def is_answered() -> bool:
        answers.extend(running.infer(PATH, BODY) for _ in range(6))
        return all(recorded(running, kind))

    wait_until(is_answered)
    return answers


def connections(running: Sidecar) -> list[int]:
    """Of each worker."""
    lines = [line for line in running.metrics().splitlines() if line.startswith("sidecar_connections{")]
    return [int(float(line.rpartition(" ")[2])) for line in lines]


def counts(status: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """By group: how many, and how many of them positive."""
    watches = status["windows"]["watches"]
    groups = watches[0]["spans"][-1]["groups"] if watches else []
    return {group["group"]: (group["n"], round(group["n"] * (group["positive_rate"] or 0))) for group in groups}


def await_restart(running: Sidecar, worker: int, restarts: int) -> None:
    wait_until(lambda: workers(running)[worker]["restarts"] == restarts)
    wait_until(lambda: fetch(running.admin_url + "/health/ready").status == 200)


def test_what_the_admin_port_says_is_of_all_workers(tmp_path: Path, engine: str) -> None:
    with recording_server() as upstream, sidecar(tmp_path, upstream.url, *TWO, engine=engine) as running:
        assert (running.ready["workers"], running.ready["engine"]) == (2, engine)
        answers = answered_by_each(running, "INTENT")
        assert {answer.status for answer in answers} == {200}
        status = running.status()
        assert (status["ready"], status["policy"]["revision"]) == (True, running.ready["policy_revision"])
        assert status["audit"] == {"dir": str(tmp_path / "audit")}
        intents = [each["status"]["audit"]["records"]["INTENT"] for each in status["workers"]]
        assert sum(intents) == len(answers)
        for name in ("0", "1"):
            assert f'sidecar_worker_up{{worker="{name}"}} 1.0' in running.metrics()
            records = f'sidecar_audit_records_total{{kind="INTENT",worker="{name}"}} {intents[int(name)]}.0'
            assert records in running.metrics()
        open_metrics = fetch(running.admin_url + "/metrics", accept="application/openmetrics-text").body.decode()
        assert "trace_id" in open_metrics
        assert open_metrics.endswith("# EOF\n")
        for answer in answers:
            decision_id = answer.headers["x-decision-id"]
            kinds = [record["kind"] for record in fetch(f"{running.admin_url}/decisions/{decision_id}").json]
            assert kinds == ["INTENT", "OUTCOME"]
        assert fetch(f"{running.admin_url}/decisions/{'0' * 32}").status == 404
        os.kill(status["workers"][1]["pid"], signal.SIGSTOP)
        unready = fetch(running.admin_url + "/health/ready")
        stuck = fetch(running.admin_url + "/health/live")
        os.kill(status["workers"][1]["pid"], signal.SIGCONT)
        assert (unready.status, unready.json["reasons"]) == (503, ["worker 1: it does not answer"])
        assert (stuck.status, stuck.json["reasons"]) == (503, ["worker 1 does not answer"])
        wait_until(lambda: fetch(running.admin_url + "/health/live").status == 200)


def test_a_changed_policy_is_seen_by_all_and_no_request_falls_between(tmp_path: Path, engine: str) -> None:
    with recording_server() as upstream, sidecar(tmp_path, upstream.url, *TWO, *PATIENT, engine=engine) as running:
        former = running.ready["policy_revision"]
        changed = example_data()
        changed["datasets"]["newer"] = changed["datasets"]["fresh"]
        running.data_file.write_text(json.dumps(changed))
        answers: set[tuple[int, bytes]] = set()

        def is_changed() -> bool:
            answers.update((answer.status, answer.body) for answer in (running.infer(PATH, BODY) for _ in range(5)))
            return all(each["status"]["policy"]["revision"] != former for each in workers(running))

        wait_until(is_changed)
        assert {status for status, _ in answers} == {200}, answers
        assert {running.infer(PATH, BODY, X_Data_Version="newer").status for _ in range(8)} == {200}
        running.data_file.write_text("{")
        wait_until(lambda: all(each["status"]["policy"]["last_error"] for each in workers(running)))
        assert running.infer(PATH, BODY).status == 200


def test_windows_and_throttles_are_those_of_one_that_saw_it_all(model: str, tmp_path: Path) -> None:
    """Also where a worker is killed, and tells it all again out of its log."""
    with sidecar(tmp_path, model, *TWO, data=data(THROTTLED | {"hold_s": 600.0})) as running:
        token = running.issuer.token()
        applicants = drawn(FAIR, 60, seed=1)
        assert {status for status, _ in judge(running, applicants, token)} == {200}
        seen = {
            group: (
                sum(each.group == group for each in applicants),
                sum(each.group == group and each.score > 0.5 for each in applicants),
            )
            for group in ("a", "b")
        }
        wait_until(lambda: [counts(each["status"]) for each in workers(running)] == [seen, seen])
        os.kill(workers(running)[0]["pid"], signal.SIGKILL)
        await_restart(running, 0, 1)
        wait_until(lambda: [counts(each["status"]) for each in workers(running)] == [seen, seen])
        stream = iter(drawn(SKEWED, 4_000, seed=2))
        refused = (429, ("model_throttled",))
        wait_until(lambda: refused in judge(running, [next(stream) for _ in range(20)], token), 60.0)
        wait_until(lambda: all(each["status"]["windows"]["armed"] for each in workers(running)))
        assert judge(running, drawn(FAIR, 8, seed=3), token).count(refused) >= 6  # each worker has one at once


def test_of_fewer_workers_the_first_has_the_windows_of_all(model: str, tmp_path: Path) -> None:
    policy = ("--policy", str(tmp_path / "rego"), "--data", str(tmp_path / "data.json"))
    with sidecar(tmp_path, model, *TWO, data=data({"action": "deny"})) as both:
        judge(both, drawn(FAIR, 40, seed=4), both.issuer.token())
        wait_until(lambda: sum(n for n, _ in counts(workers(both)[0]["status"]).values()) == 40)
        before = counts(workers(both)[0]["status"])
        assert both.stop() == 0, both.log
    with started(tmp_path, model, "--engine", "embedded", "--server", "mlserver", *policy) as alone:
        alone.await_ready()
        assert counts(alone.status()) == before
    done = subprocess.run(
        [sys.executable, "-m", "sidecar", "audit", "verify", str(tmp_path / "audit"), "--json"],
        capture_output=True,
        timeout=60,
        cwd=REPOSITORY,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_limits_are_those_of_all_workers_together(tmp_path: Path) -> None:
    """Two requests may be at work; the workers have one each, and neither takes a third."""
    released = threading.Event()
    limits = ("--max-in-flight", "2", "--max-connections", "8")
    with recording_server() as upstream, sidecar(tmp_path, upstream.url, *TWO, *limits) as running:
        answered = upstream.answer
        upstream.answer = lambda: released.wait(60) and answered()  # type: ignore[method-assign,assignment,return-value]
        with ThreadPoolExecutor() as pool, contextlib.ExitStack() as stack:
            stack.callback(released.set)
            calls = []
            for count in (1, 2):
                calls.append(pool.submit(running.infer, PATH, BODY))
                wait_until(lambda count=count: len(upstream.received) == count)  # type: ignore[misc]
            refused = answered_by_each(running, "REFUSAL")
            released.set()
            assert [call.result().status for call in calls] == [200, 200]
        assert [(answer.status, answer.codes) for answer in refused] == [(503, ["overloaded"])] * len(refused)
        assert sum(recorded(running, "REFUSAL")) == len(refused)
        assert running.infer(PATH, BODY).status == 200
        host, port = running.ports[0].split(":")
        with contextlib.ExitStack() as stack:
            for _ in range(8):
                stack.enter_context(socket.create_connection((host, int(port))))
            wait_until(lambda: sum(connections(running)) == 8)
            crowded = running.infer(PATH, BODY)
        assert (crowded.status, crowded.json["detail"]) == (503, "too many connections")
        wait_until(lambda: running.infer(PATH, BODY).status == 200)
