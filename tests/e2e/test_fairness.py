"""Fairness as users meet it: the mission's example through a real sidecar, and replicas that share a real Redis."""

from __future__ import annotations

import json
import random
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.process import Sidecar, example_data, sidecar, started, wait_until
from tests.servers.redis import RedisServer, require_redis
from tests.upstream import Asked, answering

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

pytestmark = pytest.mark.heavy

PATH = "/v2/models/credit/infer"
SKEWED = {"a": 0.9, "b": 0.3}
FAIR = {"a": 0.6, "b": 0.6}
HOLD_S = 4.0
THROTTLED = {"action": "throttle", "rate_per_s": 0.5, "hold_s": HOLD_S}


def echo(asked: Asked) -> tuple[int, bytes]:
    """A model that answers with the score that it is sent, and approves from 0.5 on: the test draws what it would."""
    if asked.method != "POST":
        return 200, b"{}"
    score = json.loads(asked.body)["inputs"][0]["data"][0]
    outputs = [
        {"name": "score", "shape": [1], "datatype": "FP64", "data": [score]},
        {"name": "label", "shape": [1], "datatype": "BYTES", "data": ["approve" if score >= 0.5 else "deny"]},
    ]
    return 200, json.dumps({"model_name": "credit", "outputs": outputs}).encode()


@dataclass(frozen=True)
class Applicant:
    """One prediction to come."""

    group: str
    score: float

    @property
    def body(self) -> dict[str, Any]:
        return {"inputs": [{"name": "income", "shape": [1], "datatype": "FP64", "data": [self.score]}]}


def drawn(rates: Mapping[str, float], count: int, seed: int) -> list[Applicant]:
    seeded = random.Random(seed)
    groups = [seeded.choice(sorted(rates)) for _ in range(count)]
    return [Applicant(group, 0.8 if seeded.random() < rates[group] else 0.2) for group in groups]


def judge(replica: Sidecar, applicants: Sequence[Applicant], token: str) -> list[tuple[int, tuple[str, ...]]]:
    """Status and reasons of each."""
    answers = [replica.infer(PATH, each.body, token=token, X_Protected_Group=each.group) for each in applicants]
    return [
        (answer.status, () if answer.status == 200 else tuple(reason["code"] for reason in answer.json["reasons"]))
        for answer in answers
    ]


def data(action: Mapping[str, object]) -> dict[str, Any]:
    return example_data(
        rules={"explanation": "off", "fairness_band": "off", "group_mean_band": "off"},
        mitigation={"disparate_impact": dict(action)},
    )


def window(replica: Sidecar) -> dict[str, Any]:
    """The one watch there is, as `/status` shows it."""
    [watch] = replica.status()["windows"]["watches"]
    return watch


def events(replica: Sidecar) -> list[tuple[str, int]]:
    """What is on record of throttles, with their numbers."""
    return [
        (record["event"], record["details"]["number"])
        for record in replica.records()
        if record["kind"] == "EVENT" and record["event"].startswith("throttle_")
    ]


@pytest.fixture
def model() -> Generator[str]:
    with answering(echo) as url:
        yield url


@pytest.mark.parametrize("engine", ["embedded", "opa"])
def test_above_the_limit_the_model_is_throttled_and_then_released(engine: str, model: str, tmp_path: Path) -> None:
    with sidecar(tmp_path, model, engine=engine, data=data(THROTTLED)) as running:
        token = running.issuer.token()
        refused = (429, ("model_throttled",))
        stream = iter(drawn(SKEWED, 4_000, seed=1))
        wait_until(lambda: refused in judge(running, [next(stream) for _ in range(20)], token), 60.0)
        assert window(running)["armed"]["number"] == 1
        assert 'sidecar_throttle_armed{model="credit",version=""} 1.0' in running.metrics()
        wait_until(lambda: events(running) == [("throttle_armed", 1), ("throttle_released", 1)])
        assert judge(running, drawn(FAIR, 3, seed=2), token) == [(200, ())] * 3
        assert window(running)["test"]["certain"] is False  # a fresh test has begun
        [armed] = [record for record in running.records() if record.get("event") == "throttle_armed"]
        [cause] = [
            record
            for record in running.records()
            if record.get("decision_id") == armed["details"]["decision_id"] and record["kind"] == "OUTCOME"
        ]
        assert cause["window"]["disparate_impact"]["certain"] is True
        assert cause["decision"]["obligations"][0]["type"] == "throttle"
        assert running.stop() == 0


def test_a_model_within_its_limit_is_never_throttled(model: str, tmp_path: Path) -> None:
    with sidecar(tmp_path, model, data=data(THROTTLED)) as running:
        answers = judge(running, drawn(FAIR, 600, seed=3), running.issuer.token())
        assert set(answers) == {(200, ())}
        assert window(running)["state"] == "ok"
        assert window(running)["test"]["certain"] is False


def test_a_restart_forgets_nothing(model: str, tmp_path: Path) -> None:
    """Killed while a throttle holds: windows and hold come back from the log."""
    long_hold = data(THROTTLED | {"hold_s": 600.0})
    with sidecar(tmp_path, model, data=long_hold) as first:
        token = first.issuer.token()
        stream = iter(drawn(SKEWED, 4_000, seed=4))
        wait_until(lambda: (429, ("model_throttled",)) in judge(first, [next(stream) for _ in range(20)], token), 60.0)
        before = window(first)
        first.process.kill()
        first.process.wait()
    flags = ("--engine", "embedded", "--policy", str(tmp_path / "rego"), "--data", str(tmp_path / "data.json"))
    with started(tmp_path, model, *flags, "--server", "mlserver") as second:
        second.await_ready()
        after = window(second)
        assert after["spans"] == before["spans"]
        assert after["armed"] == before["armed"]
        assert (429, ("model_throttled",)) in judge(second, drawn(FAIR, 3, seed=5), second.issuer.token())


@pytest.fixture
def redis(tmp_path: Path) -> Generator[RedisServer]:
    require_redis()
    folder = tmp_path / "redis"
    folder.mkdir()
    server = RedisServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture
def replicas(model: str, redis: RedisServer, tmp_path: Path) -> Generator[list[Sidecar]]:
    """Three that share Redis, and behind them one that is alone and will see all that they see."""
    with ExitStack() as stack:
        running: list[Sidecar] = []
        for name in ("one", "two", "three", "alone"):
            folder = tmp_path / name
            folder.mkdir()
            store = "memory" if name == "alone" else redis.url
            running.append(
                stack.enter_context(sidecar(folder, model, "--window-store", store, data=data({"action": "deny"})))
            )
        yield running


def counts(replica: Sidecar) -> dict[str, tuple[int, float]]:
    """By group: how many, and how many of them positive."""
    span = window(replica)["spans"][-1]
    return {group["group"]: (group["n"], round(group["n"] * group["positive_rate"])) for group in span["groups"]}


def test_replicas_decide_as_one_that_saw_it_all(replicas: list[Sidecar], redis: RedisServer) -> None:
    *shared, alone = replicas
    tokens = [replica.issuer.token() for replica in replicas]
    applicants = drawn({"a": 0.7, "b": 0.4}, 300, seed=6)
    for index, applicant in enumerate(applicants):
        if index == 150:
            redis.kill()
        if index == 200:
            redis.start()  # empty: what it held is told again
        judge(shared[index % 3], [applicant], tokens[index % 3])
        judge(alone, [applicant], tokens[-1])
    wait_until(lambda: all(counts(replica) == counts(alone) for replica in shared))
    assert sum(n for n, _ in counts(alone).values()) == len(applicants)
    wait_until(lambda: all(replica.status()["windows"]["problem"] is None for replica in shared))

    # Now beyond doubt: what one of them has seen is refused by each of them, and by the one that is alone.
    refused = (403, ("disparate_impact",))
    stream = iter(drawn(SKEWED, 4_000, seed=7))

    def is_refused_by_all() -> bool:
        verdicts: list[bool] = []
        for applicant in (next(stream) for _ in range(9)):
            for replica, token in ((alone, tokens[-1]), (shared[0], tokens[0])):
                verdicts.append(refused in judge(replica, [applicant], token))
        return all(verdicts)

    wait_until(is_refused_by_all, 60.0)
    fair = drawn(FAIR, 1, seed=8)
    wait_until(lambda: all(judge(each, fair, token) == [refused] for each, token in zip(replicas, tokens, strict=True)))
    assert {replica.status()["windows"]["store"] for replica in shared} == {"redis"}
