"""Runs a node until it is killed: see `tests.kubernetes.node`."""

from __future__ import annotations

import argparse
import logging
import os
import threading
from pathlib import Path

from tests.kubernetes.node import heartbeat
from tests.kubernetes.node.api import Api
from tests.kubernetes.node.claims import Claims
from tests.kubernetes.node.configs import Configs
from tests.kubernetes.node.hosts import Hosts
from tests.kubernetes.node.network import Network
from tests.kubernetes.node.parts import Parts
from tests.kubernetes.node.pods import Pods
from tests.kubernetes.node.reporting import Reporter
from tests.kubernetes.node.runtime import Runtime
from tests.kubernetes.slots import Slot

LOGS_PORT = 10250


def main() -> None:
    """Starts everything, and says that the node is ready."""
    parser = argparse.ArgumentParser(prog="python -m tests.kubernetes.node", description=__doc__)
    parser.add_argument("--slot", type=lambda number: Slot(int(number)), required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    threading.excepthook = _die
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(threadName)s: %(message)s")
    slot: Slot = given.slot
    api = Api(given.kubeconfig)
    configs = Configs(api)
    parts = Parts(
        api=api,
        network=Network(slot),
        runtime=Runtime(given.folder),
        configs=configs,
        claims=Claims(api, given.folder / "claims"),
        hosts=Hosts(api),
        reporter=Reporter(api),
        folder=given.folder,
        host_address=slot.host_address,
        cgroup=slot.cgroup,
    )
    pods = Pods(api, given.name, parts)
    for part in (parts.claims, parts.hosts):
        part.start()
    configs.start(on_change=pods.wake)
    pods.start()
    heartbeat.register(api, given.name, slot.host_address, LOGS_PORT)
    heartbeat.keep_alive(api, given.name)


def _die(failed: threading.ExceptHookArgs) -> None:
    """A node with half of its threads would mislead tests."""
    logging.critical("the node ends", exc_info=failed.exc_value)
    os._exit(1)


if __name__ == "__main__":
    main()
