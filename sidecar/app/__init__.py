"""The composition root: settings in, a running sidecar out.

`assembly.py` makes the parts and connects them, `ports.py` binds their sockets, `serving.py` runs them, `status.py`
shows them. The only room that knows all others; nothing but `cli` imports it. Logic that could live in a room does
not belong here.
"""
