"""Several workers of one sidecar, under a supervisor.

    supervisor, process    the supervisor: starts workers, starts them again, ends them; one as it sees it
    engine                 the one OPA that they share
    views, pages           the one admin port: asks each worker on its own socket
    worker, door           the worker: today's sidecar in a slot of its own, behind the socket that all listen to
    counters               what all count together: bytes, requests, connections
    channel                what supervisor and worker say to each other

Belongs here: what there is only because there are several. What a worker does is `app`'s, and each room's own.
Nothing here is on the way of a request but `door`, once for each connection, and `counters`.
"""
