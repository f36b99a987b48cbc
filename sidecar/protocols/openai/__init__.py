"""The OpenAI style: chat completions, completions and embeddings.

`protocol.py` reads requests, `answer.py` answers, `stream.py` makes one answer of a streamed one. Imported by `servers`
alone.
"""
