"""Hostile input against a real `sidecar run`: raw sockets on one side, a recording model server on the other.

`case.py` says what a case is and builds good requests to spoil; `corpus/` has the cases, a class of attack a file;
`client.py` and `upstream.py` are the two ends, `rig.py` puts the sidecar between them and judges what happened:
what the model server received is a subset of the durable INTENTs, byte for byte, and every answer is on record.
"""
