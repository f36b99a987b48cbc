"""What the sidecar itself must know of each model, learnt from `data.sidecar.facts` (contract 5)."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

UNKNOWN_GROUP = "unknown"
"""What groups count as that the model does not declare."""

GROUPS_LIMIT = 32
"""Protected groups of one model: a window is kept for each, and each pair of them is tested."""


class Place(enum.Enum):
    """Where a value is read: a named output, a named input, or somewhere in the decoded response."""

    OUTPUT = "output"
    INPUT = "input"
    POINTER = "pointer"
    FIRST_NUMBER = "first_number"
    """The first number of the response in the order of its text."""
    PROBABILITY = "probability"
    """The number that a map of labels to probabilities has for one label."""
    MOST_PROBABLE = "most_probable"
    """The label of the greatest number in such a map."""


@dataclass(frozen=True, slots=True)
class Reader:
    """One `read` expression, taken apart. `column` is the index in a row of two or more values."""

    place: Place
    name: str
    column: int | None = None

    def __str__(self) -> str:
        if self.place in _NAMELESS:
            return self.place.value
        suffix = "" if self.column is None else f"[{self.column}]"
        return f"{self.place.value}:{self.name}{suffix}"


_NAMELESS = (Place.FIRST_NUMBER, Place.MOST_PROBABLE)
_READER = re.compile(
    r"(?P<place>output|input):(?P<name>[^\[\]\x00-\x1f]{1,256})(?:\[(?P<column>\d{1,6})\])?"
    r"|pointer:(?P<pointer>(?:/[^\x00-\x1f]*)?)"
    r"|probability:(?P<label>[^\x00-\x1f]{1,256})"
    r"|(?P<nameless>first_number|most_probable)"
)


def parse_reader(text: str) -> Reader:
    """`output:NAME`, `output:NAME[col]`, `input:NAME`, `input:NAME[col]`, `pointer:/a/0` (RFC 6901),
    `probability:LABEL`, `first_number` or `most_probable`.

    Raises ValueError with what is wrong.
    """
    match = _READER.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text!r} is none of output:NAME, output:NAME[col], input:NAME[col], pointer:/a/0, probability:LABEL, "
            "first_number, most_probable"
        )
    if match["nameless"] is not None:
        return Reader(Place(match["nameless"]), "")
    if match["label"] is not None:
        return Reader(Place.PROBABILITY, match["label"])
    if match["pointer"] is not None:
        return Reader(Place.POINTER, match["pointer"])
    return Reader(Place(match["place"]), match["name"], None if match["column"] is None else int(match["column"]))


class GroupPlace(enum.Enum):
    """Where a model's protected groups come from."""

    CLAIM = "claim"
    HEADER = "header"
    INPUT = "input"


@dataclass(frozen=True, slots=True)
class GroupSource:
    """`claim:group`, `header:X-Protected-Group`, or `input:NAME[col]` (then `reader` is set)."""

    place: GroupPlace
    text: str
    reader: Reader | None = None


def parse_group_source(text: str) -> GroupSource:
    """One of the three sources of contract 2; raises ValueError with what is wrong."""
    if text == "claim:group":
        return GroupSource(GroupPlace.CLAIM, text)
    if text.lower() == "header:x-protected-group":
        return GroupSource(GroupPlace.HEADER, "header:X-Protected-Group")
    reader = parse_reader(text)
    if reader.place is not Place.INPUT:
        raise ValueError(f"{text!r} is none of claim:group, input:NAME[col], header:X-Protected-Group")
    return GroupSource(GroupPlace.INPUT, text, reader)


@dataclass(frozen=True, slots=True)
class Positive:
    """What counts as a positive outcome: a label, or a score of at least so much."""

    label: str | None = None
    score_at_least: float | None = None


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """Where scores, labels, groups and the rest are found in this model's messages."""

    score: Reader | None = None
    label: Reader | None = None
    explanation: Reader | None = None
    features: Mapping[str, Reader] = field(default_factory=dict[str, Reader])
    group: GroupSource | None = None
    positive: Positive | None = None
    score_range: tuple[float, float] | None = None
    reads_answer: bool = field(init=False, repr=False, compare=False)
    """Whether anything is read from the model's answer at all."""

    def __post_init__(self) -> None:
        readers = (self.score, self.label, self.explanation, *self.features.values())
        reads_answer = any(reader is not None and reader.place is not Place.INPUT for reader in readers)
        object.__setattr__(self, "reads_answer", reads_answer)  # once a plan, not once an exchange


EXPLAIN_LIMIT_MS = 30_000
"""The longest that may be waited for an explanation: the client waits with us."""


@dataclass(frozen=True, slots=True)
class Explain:
    """Explanations are fetched from the model server's explain endpoint.

    `read`: where in its answer they lie; None: where the protocol has them.
    """

    timeout_ms: int
    read: Reader | None = None


UNEXPLAINED_TIERS = frozenset({"minimal", "low", "limited", "medium"})
"""Risk tiers whose predictions need no explanation; any other word, and none, counts as high. As in the guard."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What extraction and reading need to know of one model; the defaults are an unregistered model's.

    `stream` says what becomes of a streamed answer where a rule judges answers (`answers_judged`): `judge`, as a
    whole, or `refuse`. `groups` are the protected groups; any other counts as `unknown`.
    """

    name: str
    batch: bool = True
    stream: str = "refuse"
    answers_judged: bool = True
    groups: tuple[str, ...] = ()
    disparate_impact_max: float | None = None
    read: ReadPlan = ReadPlan()
    rules: Mapping[str, str] = field(default_factory=dict[str, str])
    risk_tier: str | None = None
    explain: Explain | None = None

    @property
    def needs_explanation(self) -> bool:
        """Whether the guard `explanation` looks for one in every answer; in shadow, too ("shadow first")."""
        return self.rules.get("explanation") != "off" and self.risk_tier not in UNEXPLAINED_TIERS


@dataclass(frozen=True, slots=True)
class BundleFacts:
    """What one bundle's manifest says: `roots` are the paths below `data` that it owns, `""` all of it.

    `sequence`: its place in the order of publication; `created_unix_s`: when its content was made. None: it says none.
    """

    revision: str = ""
    roots: tuple[str, ...] = ("",)
    sequence: int | None = None
    created_unix_s: float | None = None

    @property
    def holds_revocations(self) -> bool:
        """Whether it is one that changes with each revocation, apart from all that changes with a rollout."""
        return any(root.split("/")[0] == "revocations" for root in self.roots)


@dataclass(frozen=True, slots=True)
class Facts:
    """The snapshot of all models' facts at one revision. `bundles`: by name, those that the engine made it of."""

    revision: str
    models: Mapping[str, ModelFacts]
    guards: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    absent_guards: tuple[str, ...] = ()
    bundles: Mapping[str, BundleFacts] = field(default_factory=dict[str, BundleFacts])

    @property
    def rollout_revision(self) -> str:
        """The revision less those of bundles of revocations: what bounds a metric's label."""
        if not any(bundle.holds_revocations for bundle in self.bundles.values()):
            return self.revision
        lasting = [self.bundles[name] for name in sorted(self.bundles) if not self.bundles[name].holds_revocations]
        return "+".join([bundle.revision for bundle in lasting])

    def of(self, model: str | None) -> ModelFacts:
        """The facts of a model; of one that is not registered, the defaults: rules will refuse it."""
        known = self.models.get(model or "")
        return known or ModelFacts(model or "")
