"""A real sidecar between a raw client and a recording model server, and the oracle over all three."""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sidecar.audit.salts import Salt, salt_path
from tests.crash.history import Answer as OnRecord
from tests.crash.history import Arrival as Arrived
from tests.crash.history import History, read_entries
from tests.crash.oracle import breaches
from tests.hostile.case import SMUGGLED, TOKEN, Case, Fate, request
from tests.hostile.client import Client, Ended
from tests.hostile.upstream import RecordingUpstream, recording_upstream
from tests.process import sidecar

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from tests.hostile.client import Answer
    from tests.hostile.upstream import Arrival
    from tests.process import Sidecar

ONCE = (b"host", b"content-length", b"x-decision-id", b"x-policy-revision", b"x-request-id", b"traceparent")
"""Each request at the model server has exactly one of each (of the length, at most one)."""
AT_MOST_ONCE = (b"content-type", b"content-encoding", b"x-data-version", b"x-consent-scope")
NEVER = (
    *(b"transfer-encoding", b"connection", b"upgrade", b"te", b"trailer", b"expect", b"keep-alive"),
    *(b"proxy-connection", b"http2-settings", b"x-consent-token", b"x-protected-group", b"forwarded"),
    *(b"x-http-method-override", b"x-original-url", b"x-vertex-ai-triton-redirect", b"x-smuggled"),
)


@dataclass
class Rig:
    """`answers` collects every answer that a client got, for `judge`; those to probes are not put there."""

    sidecar: Sidecar
    upstream: RecordingUpstream
    token: bytes
    follow_up: bytes
    answers: list[OnRecord] = field(default_factory=list[OnRecord])
    cases: dict[str, str] = field(default_factory=dict[str, str])
    _followed: int = 0

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.sidecar.ports[0].rpartition(":")
        return host, int(port)

    def filled(self, sent: bytes) -> bytes:
        """With a real token in the token's place."""
        return sent.replace(TOKEN, self.token)

    def note(self, answer: Answer, case: str = "") -> Answer:
        """For `judge`, which holds it against the record."""
        decision_id = answer.header("x-decision-id")
        codes = answer.codes or ("unread",) * (answer.status >= 400)  # a refused HEAD has no body to say them in
        self.answers.append(OnRecord(decision_id, answer.status, time.time_ns(), codes))
        self.cases[decision_id] = case
        return answer

    def run(self, case: Case) -> list[Answer]:
        """Sends a case, and fails the test where anything but the declared happens."""
        before = len(self.upstream.arrivals)
        with Client(self.address) as client:
            client.send(self.filled(case.sent))
            if case.half_closes:
                client.end()
            answers = [self._answer(client, case, statuses) for statuses in case.statuses]
            self._check_fate(client, case)
        arrived = self.upstream.arrivals[before:]
        self._check_arrivals(case, answers, [each for each in arrived if not _is_follow_up(each)])
        self.check_alive()
        return answers

    def _answer(self, client: Client, case: Case, statuses: Sequence[int]) -> Answer:
        answer = self.note(client.answer(to_head=case.sent.startswith(b"HEAD ")), case.name)
        assert answer.status in statuses, (answer.status, answer.body)
        assert answer.status != 500, answer.body
        return answer

    def _check_fate(self, client: Client, case: Case) -> None:
        if case.fate is Fate.CLOSED:
            assert client.rest() == b""
        elif case.fate is Fate.KEPT:
            self.follow(client)

    def _check_arrivals(self, case: Case, answers: list[Answer], arrived: list[Arrival]) -> None:
        expected = sum(answer.status < 300 for answer in answers) if case.reaches is None else case.reaches
        assert len(arrived) == expected, [arrival.raw for arrival in arrived]
        for arrival in arrived:
            assert arrival_faults(arrival) == []
            assert arrival.decision_id in {answer.header("x-decision-id") for answer in answers}

    def follow(self, client: Client) -> None:
        """The next request on a connection is answered as itself: there was neither too much nor too little read."""
        self._followed += 1
        name = f"follow-up-{self._followed}"
        client.send(self.filled(self.follow_up.replace(b"\r\n", b"\r\nX-Request-Id: %b\r\n" % name.encode(), 1)))
        answer = self.note(client.answer(), name)
        assert (answer.status, answer.header("x-request-id")) == (200, name), answer.body

    def check_alive(self) -> None:
        """A good request on a connection of its own is served."""
        with Client(self.address) as client:
            self.follow(client)

    def judge(self) -> None:
        """To be called once, when the sidecar has ended: the whole history, from all three sides."""
        records = self.sidecar.records()
        lines = [json.dumps(record).encode() for record in records]
        arrived = tuple(Arrived(each.decision_id, each.unix_ns) for each in self.upstream.arrivals)
        found = breaches(History(read_entries(lines), arrived, tuple(self.answers)))
        wrong = [f"{breach.rule}: {self.cases.get(breach.where, breach.where)}" for breach in found]
        wrong += [f"no request at all: {stray}" for stray in self.upstream.strays]
        wrong += [fault for arrival in self.upstream.arrivals for fault in arrival_faults(arrival)]
        wrong += [f"other bytes arrived than were judged: {each}" for each in self._misjudged(records)]
        assert not wrong, wrong
        assert "Traceback" not in self.sidecar.log, self.sidecar.log

    def _misjudged(self, records: list[dict[str, Any]]) -> list[str]:
        """Decision ids under which other bytes arrived than were judged."""
        intents = {record["decision_id"]: record for record in records if record["kind"] == "INTENT"}
        wrong: list[str] = []
        for arrival in self.upstream.arrivals:
            intent = intents[arrival.decision_id]
            salt = _salt(self.sidecar.folder / "audit", intent["salt"])
            if intent["request_digest"] != (salt.digest(arrival.body) if arrival.body else None) and arrival.whole:
                wrong.append(arrival.decision_id)
        return wrong


def arrival_faults(arrival: Arrival) -> list[str]:
    """What no request at the model server may have, whatever the client sent."""
    hyphened = [name.replace(b"_", b"-") for name, _ in arrival.fields]  # as CGI and WSGI read them
    counts = Counter(hyphened)
    faults = [f"{counts[name]} of {name!r}" for name in ONCE if counts[name] != 1 and name != b"content-length"]
    faults += [f"{counts[name]} of {name!r}" for name in (*AT_MOST_ONCE, b"content-length") if counts[name] > 1]
    faults += [f"{name!r}" for name in NEVER if name in hyphened]
    faults += [f"{name!r}" for name in hyphened if name.startswith(b"x-forwarded-")]
    faults += [f"{value!r}" for _, value in arrival.fields if not value.isascii()]
    return faults


def _is_follow_up(arrival: Arrival) -> bool:
    return arrival.values(b"x-request-id")[0].startswith(b"follow-up-")


def _salt(audit_dir: Path, name: str) -> Salt:
    period = name.partition(".")[0]
    salt = Salt(period, salt_path(audit_dir, period).read_bytes())
    assert salt.name == name
    return salt


@contextmanager
def rig(
    folder: Path, *flags: str, server: str = "mlserver", data: Any = None, follow_up: bytes | None = None
) -> Generator[Rig]:
    """Starts all three, and judges at the end. `follow_up`: a good request, where the V2 one is none."""
    with recording_upstream() as upstream:
        with sidecar(folder, upstream.url, *flags, server=server, data=data) as running:
            token = running.issuer.token().encode()
            made = Rig(running, upstream, token, follow_up or request())
            yield made
        made.judge()


__all__ = ["SMUGGLED", "Ended", "Rig", "arrival_faults", "rig"]
