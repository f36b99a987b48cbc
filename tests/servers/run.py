"""The real model servers, each as a context manager on ports of its own.

    with mlserver() as server:          # or torchserve(), triton(), kserve(), fakellm()
        post(server.url + server.infer_path, server.example)

By hand: `scripts/serve mlserver 8080`. Standard library only; `scripts/install-servers` installs the servers.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from typing import TYPE_CHECKING

from tests.servers.fakellm.server import fakellm
from tests.servers.kserve.server import kserve
from tests.servers.mlserver.server import mlserver
from tests.servers.process import ModelServer, ServerError
from tests.servers.torchserve.server import torchserve
from tests.servers.triton.server import triton

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

SERVERS: Mapping[str, Callable[[int], AbstractContextManager[ModelServer]]] = {
    "mlserver": mlserver,
    "torchserve": torchserve,
    "triton": triton,
    "kserve": kserve,
    "fakellm": fakellm,
}
"""By the name of its environment in `.servers`."""


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    """Runs one real model server with the model `credit` until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="scripts/serve", description=main.__doc__)
    parser.add_argument("kind", choices=sorted(SERVERS))
    parser.add_argument("port", nargs="?", type=int, default=8080)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with SERVERS[arguments.kind](arguments.port) as server:
            print(f"{server.kind} serves the model credit; its log is {server.log}. Try:")
            url = server.url + server.infer_path
            print(
                f"curl -H 'Content-Type: application/json' -d '{json.dumps(server.example)}' {url}",
                flush=True,
            )
            while True:
                signal.pause()
    except KeyboardInterrupt:
        return 0
    except ServerError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
