"""Every name that leaves the sidecar as telemetry, with its meaning and unit: spans, events, log records, metrics.

The rooms use these objects, never a name of their own; tests compare what is emitted with what stands here,
both ways. HTTP semantic conventions of OpenTelemetry where they exist, `sidecar.*` and `sidecar_*` for the
rest. Plain values: no SDK is imported, nothing of ours either.
"""
