"""The composition root: settings in, a running sidecar out.

`rooms.py` and `policy_room.py` open each room by the settings, `shipping.py` starts the process that ships;
`assembly.py` connects them, `ports.py` binds their sockets, `serving.py` runs them. Several such processes under one
supervisor are `workers/`; `seat.py` is what one of them shares with the others. What is seen of them: `views.py`,
`readiness.py`, `status.py`, `readings.py` for the metrics page, `outward.py`, which tells it to whoever runs them, and
`journal.py`, which tells meters and trail of the policy. What looks at the model server from
here: `self_check.py` (can it be reached past us?), `probing.py` (the kubelet's probes). What keeps a sidecar from
starting: `problems.py`; what is known of bundles beyond a restart: `bundle_file.py`. Knows all rooms but `evidence`;
nothing but `cli` imports it. Logic that could live in a room does not belong here.
"""
