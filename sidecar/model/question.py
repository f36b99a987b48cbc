"""The policy input (contract 4): what a policy is asked, as JSON, built once an exchange and phase."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

API = "sidecar/v1"


class Question(NamedTuple):
    """One policy input. `stable` is the input with sorted keys less `time`: the decision cache's key.

    `expires_unix_s`: the consent token's expiry, beyond which no cached answer may live.
    """

    shape: Mapping[str, object]
    stable: bytes
    unix_s: float
    expires_unix_s: float | None = None

    @property
    def json(self) -> bytes:
        """The whole input: `stable` with the time spliced in, so that nothing is serialised twice."""
        return b'%s,"time":{"unix_s":%s}}' % (self.stable[:-1], repr(self.unix_s).encode())

    def as_input(self) -> dict[str, object]:
        """The whole input as a mapping, for the audit record."""
        return {**self.shape, "time": {"unix_s": self.unix_s}}


def ask(shape: Mapping[str, object], unix_s: float, expires_unix_s: float | None = None) -> Question:
    """Serialises an input shape (all of contract 4's input but `time`)."""
    return Question(shape, orjson.dumps(shape, option=orjson.OPT_SORT_KEYS), unix_s, expires_unix_s)
