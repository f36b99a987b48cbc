"""A cluster by hand: `python -m tests.kubernetes FOLDER` as root, until Ctrl-C. FOLDER must be new: all files go there.

Prints one line of JSON when it is ready. Then `.servers/kubernetes/kubectl --kubeconfig FOLDER/admin.kubeconfig …`.
"""

from __future__ import annotations

import json
import signal
import sys
from contextlib import suppress
from pathlib import Path

from tests.kubernetes.cluster import running_cluster
from tests.kubernetes.programs import missing


def main() -> int:
    """Runs a cluster until SIGTERM or Ctrl-C."""
    if len(sys.argv) != 2 or missing():
        print(__doc__, *missing(), sep="\n", file=sys.stderr)
        return 2
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    with suppress(KeyboardInterrupt), running_cluster(folder) as cluster:
        print(json.dumps({"kubeconfig": str(cluster.kubeconfig)}), flush=True)
        while True:
            signal.pause()
    return 0


if __name__ == "__main__":
    sys.exit(main())
