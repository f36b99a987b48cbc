"""A real OpenTelemetry Collector that writes what it takes to files: `scripts/install-collector` builds it."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.servers.process import ServerError, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

BINARY = Path(__file__).resolve().parents[2] / ".servers" / "otelcol"
START_TIMEOUT_S = 30.0

# With `rotation` the file exporter writes each batch before it is acknowledged; without, it keeps it for a while in a
# buffer of its own, and what a killed collector has acknowledged is lost, whoever sent it.
CONFIG = """
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{port}"}}}}}}}}
exporters: {{file: {{path: "{path}", rotation: {{max_megabytes: 1000}}}}}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    traces: {{receivers: [otlp], exporters: [file]}}
    logs: {{receivers: [otlp], exporters: [file]}}
"""


class OtelCollector:
    """On one port, started and killed as often as a test likes; each start has a file of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        [self._port] = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self.url = f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Returns when it takes spans. Raises ServerError."""
        if not BINARY.exists():
            raise ServerError("there is no collector: scripts/install-collector builds one")
        self._starts += 1
        config = self._folder / f"collector-{self._starts}.yaml"
        config.write_text(CONFIG.format(port=self._port, path=self._folder / f"collector-{self._starts}.json"))
        log = self._folder / f"collector-{self._starts}.log"
        with log.open("wb") as output:
            self._process = subprocess.Popen([BINARY, "--config", config], stdout=output, stderr=output)
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                raise ServerError(f"the collector did not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def attributes(self, kind: str) -> Iterator[dict[str, Any]]:
        """Those of each span (`Spans`) or log record (`Logs`) in all its files; values as OTLP's JSON has them."""
        items = {"Spans": "spans", "Logs": "logRecords"}[kind]
        for path in sorted(self._folder.glob("collector-*.json")):
            for line in path.read_text().splitlines():
                for resource in json.loads(line).get(f"resource{kind}", []):
                    for scope in resource[f"scope{kind}"]:
                        yield from (_plain(item["attributes"]) for item in scope[items])

    def _listens(self) -> bool:
        """GET is not allowed on the path where spans go: it is there."""
        try:
            urllib.request.urlopen(f"{self.url}/v1/traces", timeout=1).close()
        except urllib.error.HTTPError as error:
            with error:
                return error.code == 405
        except OSError:
            return False
        return False


def _plain(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    return {each["key"]: next(iter(each["value"].values())) for each in attributes}
