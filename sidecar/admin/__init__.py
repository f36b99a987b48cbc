"""The admin port: health, metrics, status, one decision looked up. Never on the data path's port.

Imports `model`, `telemetry` and, as a type, the exchange's `Case`; gets everything else as values and callables
from the composition root.
"""
