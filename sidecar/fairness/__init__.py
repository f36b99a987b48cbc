"""Fairness in the request path: the window of predictions over protected groups, and the throttle it may arm.

Ports and their in-memory beginnings; statistics and shared stores come to live here. Imports `model` only.
"""
