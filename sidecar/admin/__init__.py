"""The admin port: health, metrics, status, one decision looked up. Never on the data path's port.

Imports `model` and `telemetry`; gets everything else as values and callables from the composition root.
"""
