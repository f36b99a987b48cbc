"""Serving protocols: which endpoints exist, where attributes and inputs live, how outputs are read.

A file or a folder for each protocol (`v1.py`, `tfserving.py`, `torchserve.py`, `v2/`, `openai/`), each doing what
`base.py` says; `servers/` says which kind of server speaks which. Besides, what protocols share:

- of bodies as they come: `media.py`, `coding.py`, `strict_json.py`, `forms.py`, `sse.py`, `bodies.py`;
- of what is said in them: `attributes.py` in requests, `reading.py` in answers, with `pointer.py`, `rows.py`,
  `numbers.py` and `probabilities.py`;
- of paths: `routes.py`.

The next protocol is one new file here and its rows in `servers/`. Pure functions over bytes: no I/O, no policy, no
clock; imports `model` only, and is imported by `proxy` and `app`.
"""
