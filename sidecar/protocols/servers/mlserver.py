"""MLServer (1.7)."""

from __future__ import annotations

from sidecar.protocols.coding import GZIP
from sidecar.protocols.servers.kind import kind_of
from sidecar.protocols.servers.v2_routes import V2_MODEL_METADATA, V2_ROUTES
from sidecar.protocols.v2 import V2

MLSERVER = kind_of("mlserver", (*V2_ROUTES, V2_MODEL_METADATA), (V2(),), codings=(GZIP,))
