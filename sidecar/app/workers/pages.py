"""The metrics pages of several workers as one: each sample with a label that says whose it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families,  # pyright: ignore[reportUnknownVariableType]  # its argument is untyped
)
from prometheus_client.registry import Collector

from sidecar.telemetry.metrics import WORKER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"
"""What a worker is asked for: it has exemplars, and can be read again."""


def merged(pages: Mapping[str, str], own: Iterable[Metric], accept: str) -> tuple[bytes, str]:
    """The pages by worker, with the supervisor's own metrics, in the form that `accept` asks for; and its media type.

    Raises ValueError for a page that is none.
    """
    families = {family.name: family for family in own}
    for worker, page in pages.items():
        for family in text_string_to_metric_families(page):
            found = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            found.samples += [
                sample._replace(labels={WORKER.name: worker, **sample.labels}) for sample in family.samples
            ]
    registry = CollectorRegistry()
    registry.register(_Families(list(families.values())))
    encode, media_type = choose_encoder(accept)
    return encode(registry), media_type


class _Families(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        yield from self._families
