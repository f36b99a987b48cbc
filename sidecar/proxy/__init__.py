"""The data path: strict server protocol, the exchange, the forwarding of judged bytes.

`exchange.py` is the contract's section 1, step by step. All that it needs from outside comes through ports.
No knowledge of a single serving protocol, engine or log format belongs here.
"""
