"""The servers' own Python clients through the sidecar: nothing changes for them but headers and the address."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.servers.dialects import KSERVE_V1, OPENAI, TRITON, Dialect
from tests.e2e.servers.guarded import Guarded, guarded
from tests.servers.process import INSTALLED

if TYPE_CHECKING:
    from tests.servers.process import ModelServer

SERVERS = Path(__file__).resolve().parents[1] / "servers"
TIMEOUT_S = 120.0


def answers_of(server: Guarded) -> dict[str, Any]:
    """What the client of this server prints, run with the server's own Python."""
    name = server.dialect.server
    apart = {"Content-Type", "Accept-Encoding"}  # the client's own business
    headers = {field: value for field, value in server.headers().items() if field not in apart}
    command = [INSTALLED / name / "bin/python", SERVERS / name / "client.py", server.sidecar.url, json.dumps(headers)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=TIMEOUT_S)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def run(folder: Path, dialect: Dialect, real: ModelServer, **facts: Any) -> tuple[dict[str, Any], list[str]]:
    """The client's answers, and how each exchange of it ended."""
    with guarded(folder, dialect, real, **facts) as server:
        answers = answers_of(server)
        ended = [record.get("result", record["kind"]) for record in server.sidecar.records()]
    return answers, [word for word in ended if word not in ("INTENT", "EVENT")]


@pytest.mark.heavy
def test_tritonclient(tmp_path: Path, real_triton: ModelServer) -> None:
    answers, ended = run(tmp_path, TRITON, real_triton)
    status, message = answers.pop("unload")
    predicted = [[0.5, 0.5], ["approve", "approve"]]
    asked = [f"{form} {coding}" for form in ("binary", "json") for coding in (None, "gzip", "deflate")]
    assert answers == {"live": True, "ready": True, **dict.fromkeys(asked, predicted)}
    assert (status, "management" in message) == ("403", True)
    assert ended == ["released"] * 6 + ["REFUSAL"]


@pytest.mark.heavy
def test_kserve_client(tmp_path: Path, real_kserve: ModelServer) -> None:
    answers, ended = run(tmp_path, KSERVE_V1, real_kserve)
    v1 = {"predictions": [{"score": 0.5, "label": "approve"}]}
    v2 = {"score": [0.5, 0.5], "label": ["approve", "approve"]}
    assert answers == {
        "live": True,
        "ready": True,
        "v1": v1,
        "v1 explain": {**v1, "explanations": [{"income": 0.4, "loan_amount": -0.6}]},
        "v2 binary": v2,
        "v2 json": v2,
    }
    assert ended == ["released"] * 4


def test_openai_client(tmp_path: Path, real_fakellm: ModelServer) -> None:
    answers, ended = run(tmp_path, OPENAI, real_fakellm, stream="judge")
    status, error = answers.pop("refused")
    assert answers == {"plain": "0.5 approve", "stream": ["", "0.5", " approve", ""], "metadata": "0.5 approve"}
    assert (status, error["type"]) == (403, "policy_refusal")
    assert ended == ["released"] * 3 + ["refused"]
