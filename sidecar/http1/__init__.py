"""HTTP/1.1 as this product accepts it (RFC 9110, RFC 9112): one place for both directions.

`rules.py` says what an acceptable message is; `request_reader.py` and `response_reader.py` read messages from
bytes, without I/O; `connection.py` and `pool.py` are the keep-alive client for the model server and for OPA.
Knows nothing of policy or models. Imports `model` only.
"""
