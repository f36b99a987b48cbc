"""Serving protocols: which endpoints exist, where attributes and inputs live, how outputs are read.

One file per protocol, each a set of pure functions over bytes; `servers.py` says which server kind speaks
which. The next protocol is one new file here and its rows there. No I/O, no policy, no clock; imports `model`
only.
"""
