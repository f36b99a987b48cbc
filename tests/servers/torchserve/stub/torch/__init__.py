"""Stands in for PyTorch, of which TorchServe's worker needs one name: is an answer a Tensor?"""

__version__ = "0.0.0"


class Tensor:
    pass
