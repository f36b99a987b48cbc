"""Consent tokens: verification, key sets, the cache of verified results, pseudonyms of their subjects.

A bad token is a fact given to the policy, never an exception. Whether a consent was *revoked* is the policy's
to say, from its data. Imports `model` and `secret_file`; imported by the composition root and, as a type, by `proxy`.
"""
