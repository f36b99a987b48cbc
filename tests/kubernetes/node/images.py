"""Images as this node has them: nothing is pulled. Each is the host's own files and what an image's configuration says.

An image is found by the last part of its name: `any.example/team/opa:1.22.2-static` is `opa`. To add one, add a
function to `IMAGES` here or in `server_images`; it is called when a container starts.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.policy.child import find_opa
from tests.kubernetes.node.image import SYSTEM_PATH, Image, NoImage
from tests.kubernetes.node.server_images import SERVER_IMAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

BIN = Path(sys.executable).parent
NONROOT = 65532


def find_image(reference: str) -> Image:
    """Raises NoImage."""
    name = reference.partition("@")[0].rpartition("/")[2].partition(":")[0]
    if name not in IMAGES:
        raise NoImage(f"{reference}: this node has {', '.join(sorted(IMAGES))}")
    return IMAGES[name]()


def _sidecar() -> Image:
    # As the Dockerfile says; the code is the checkout's.
    return Image(entrypoint=[str(BIN / "sidecar")], user=NONROOT)


def _opa() -> Image:
    opa = find_opa()
    if opa is None:
        raise NoImage("OPA is not installed: run scripts/install-opa")
    return Image(entrypoint=[str(opa)], cmd=["run"], user=1000)


def _python() -> Image:
    return Image(cmd=["python"], env={"PATH": f"{BIN}:{SYSTEM_PATH}"})


def _busybox() -> Image:
    return Image(cmd=["sh"], env={"PATH": SYSTEM_PATH})


IMAGES: Mapping[str, Callable[[], Image]] = {
    "model-policy-sidecar": _sidecar,
    "opa": _opa,
    "python": _python,
    "busybox": _busybox,
    **SERVER_IMAGES,
}
