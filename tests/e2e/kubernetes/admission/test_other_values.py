"""The policies as other values of the chart make them: they let pass what the injector makes then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.kubernetes.admission.pods import DOMAIN, torchserve, triton
from tests.e2e.kubernetes.admission.policies_alone import create, creation_refused, policed, skip_without_cluster
from tests.unit.helm.charts import EMBEDDED, Json, merged

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.heavy

OTHERS: Json = merged(
    EMBEDDED,
    {
        "guard": {
            "adminPort": 9000,
            "secret": "other",
            "allowShadow": True,
            "allowMetadata": True,
            "settings": {
                "audit_segment": 67_108_864,
                "audit_keep_bytes": 1_000_000_000,
                "consent_leeway_s": 2.5,
                "window_spans": ["15m", "1d"],
                "input_headers": "x-a,x-b",
                "consent_audience": "costs $(HOME) 'quoted' \"twice\" \\",
            },
            "audit": {"storageClass": "fast"},
        }
    },
)


def test_whatever_the_values_are_guarded_pods_are_admitted_and_others_are_not(tmp_path: Path) -> None:
    skip_without_cluster()
    with policed(tmp_path, OTHERS) as here:
        here.namespace("every", "all")
        asked = {f"{DOMAIN}/mode": "shadow", f"{DOMAIN}/metadata": "allow"}
        create(here.developer, here.guarded(triton("shadowed", annotations=asked)), "every")
        create(here.developer, here.guarded(torchserve("plain")), "every")
        altered = here.guarded(triton("altered"))
        args = altered["spec"]["initContainers"][0]["args"]
        args[args.index("--consent-leeway-s=2.5")] = "--consent-leeway-s=3600"
        assert "not those that the operator configured" in creation_refused(here.developer, altered, "every")
