"""Fairness in the request path: windows of predictions over protected groups, the test that acts, and the throttle.

    window, throttle      ports, and the values that go through them
    windows, watch        a replica's own: all watches, and one model and version
    buckets, ticks        what is counted, by the minute for estimates and by the second for the test
    epoch                 a test's life, taken on by one replica or by many
    shared, sync, stored, redis_store    many replicas on one Redis
    cells, metrics, means, figures       numbers and what they say
    eprocess, betting, recent, lower_bound    the statistics of the test
    rebuild               the same out of an audit log

Here belongs what is counted of predictions and what follows from it. What is done about it is the policy's to say;
what is positive, and which groups there are, the model's facts say. Imports `model` only, and `redis` in `redis_store`,
which nothing imports that needs no Redis. Imported by proxy, app, evidence and demo.
"""
