from __future__ import annotations

import json
from typing import Any

import pytest

from sidecar.settings import SettingsInvalid, load
from sidecar.settings.probes import HttpProbe, Probe, TcpProbe

NEEDED = {"upstream": "http://127.0.0.1:8080", "server": "mlserver", "consent": "off"}
GIVEN: dict[str, Any] = {
    "model/liveness": {"http": {"port": 8080, "path": "/ping?deep", "scheme": "HTTPS", "headers": [["X-A", "b c"]]}},
    "model/startup": {"tcp": {"port": 8001}, "timeout_s": 2},
}


@pytest.mark.parametrize("given", [GIVEN, json.dumps(GIVEN)], ids=["file", "flag"])
def test_they_come_from_a_file_or_a_flag(given: object) -> None:
    assert load({**NEEDED, "probes": given}).probes == {
        "model/liveness": Probe(
            http=HttpProbe(port=8080, path="/ping?deep", scheme="HTTPS", headers=(("X-A", "b c"),)), timeout_s=10
        ),
        "model/startup": Probe(tcp=TcpProbe(port=8001), timeout_s=2),
    }


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("{", "--probes: is not JSON: unexpected end of data: line 1 column 2 (char 1)"),
        ('["x"]', "--probes: Input should be a valid dictionary"),
        ('{"model/postStart": {"tcp": {"port": 1}}}', "--probes.model/postStart.[key]: String should match pattern"),
        ('{"m/startup": {}}', "--probes.m/startup: is either http or tcp"),
        ('{"m/startup": {"tcp": {"port": 1}, "http": {"port": 1}}}', "--probes.m/startup: is either http or tcp"),
        ('{"m/startup": {"tcp": {"port": 0}}}', "--probes.m/startup.tcp.port: Input should be greater than or equal"),
        ('{"m/startup": {"exec": {}}}', "--probes.m/startup.exec: is no setting"),
        ('{"m/startup": {"http": {"port": 1, "path": "x"}}}', "--probes.m/startup.http.path: String should match"),
        ('{"m/startup": {"http": {"port": 1, "path": "/ x"}}}', "--probes.m/startup.http.path: String should match"),
        (
            '{"m/startup": {"http": {"port": 1, "headers": [["a", "b\\r\\nc"]]}}}',
            "--probes.m/startup.http.headers.0.1: String should match",
        ),
        (
            '{"m/startup": {"http": {"port": 1, "headers": [["a:", "b"]]}}}',
            "--probes.m/startup.http.headers.0.0: String should match",
        ),
        ('{"m/startup": {"tcp": {"port": 1}, "timeout_s": 11}}', "--probes.m/startup.timeout-s: Input should be less"),
    ],
)
def test_what_is_no_probe_is_told_with_its_place(given: str, problem: str) -> None:
    with pytest.raises(SettingsInvalid) as told:
        load({**NEEDED, "probes": given})
    assert told.value.problems[0].startswith(problem)
