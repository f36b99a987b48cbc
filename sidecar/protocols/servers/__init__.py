"""Which endpoints each kind of model server has, and what they mean (contract 1, step 2).

Every server infers under aliases, and manages itself under routes, that its documentation does not list: what
is not in its table is refused. One file a kind; `kind.py` says what a kind is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.protocols.servers.kind import Server
from sidecar.protocols.servers.kserve import KSERVE
from sidecar.protocols.servers.mlserver import MLSERVER
from sidecar.protocols.servers.openai import OPENAI
from sidecar.protocols.servers.tfserving import TFSERVING
from sidecar.protocols.servers.torchserve import TORCHSERVE
from sidecar.protocols.servers.triton import TRITON

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["SERVERS", "Server", "server"]

SERVERS: Mapping[str, Server] = {kind.kind: kind for kind in (TRITON, MLSERVER, KSERVE, TORCHSERVE, TFSERVING, OPENAI)}
"""The kinds that this version serves, by the word that `--server` takes."""


def server(kind: str) -> Server:
    """The server of a kind; raises ValueError that names the kinds there are."""
    known = SERVERS.get(kind)
    if known is None:
        raise ValueError(f"server kind {kind!r} is not in this version; there are {', '.join(SERVERS)}")
    return known
