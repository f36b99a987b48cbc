"""The Open Inference Protocol, "V2", and what servers of it add: Triton's binary tensors, `generate` and SageMaker.

`protocol.py` reads requests, `answer.py` answers; the other files hold a part of the format each. Imported by
`servers` and by `torchserve.py`, which speaks V2 too; other protocols' files are none of its business.
"""
