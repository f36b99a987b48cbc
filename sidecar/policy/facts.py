"""The raw answer of `data.sidecar.facts` → `Facts`, with all problems listed at once.

Only what the sidecar itself must know of a model is read (contract 5); limits are the rules' business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from sidecar.model.facts import (
    EXPLAIN_LIMIT_MS,
    GROUPS_LIMIT,
    BundleFacts,
    Explain,
    Facts,
    GroupPlace,
    ModelFacts,
    Place,
    Positive,
    Reader,
    ReadPlan,
    parse_group_source,
    parse_reader,
)
from sidecar.policy.generated import SHIPPED_GUARDS
from sidecar.policy.port import UNDEFINED
from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pydantic_core import ErrorDetails

    from sidecar.policy.port import Answer

PROBLEM_LIMIT = 100
"""Problems listed at once; a log line has an end."""

FEATURES_LIMIT = 64
"""Declared features of one model: each stands in the policy input once an instance."""

BUNDLES_LIMIT = 64
"""Bundles of one engine: each is a label of metrics."""


class FactsInvalid(PolicyProblems):
    """The engine answered, and its facts are not acceptable."""


def _readable_from(*places: Place) -> Callable[[str], str]:
    """A check that an expression is one, and that what it reads can be what it is declared for."""

    def check(text: str) -> str:
        if parse_reader(text).place not in places:
            raise ValueError(f"{text!r} cannot be read as this; {', '.join(place.value for place in places)} can")
        return text

    return check


def _group_source(text: str) -> str:
    parse_group_source(text)
    return text


_Score = Annotated[
    str, AfterValidator(_readable_from(Place.OUTPUT, Place.POINTER, Place.FIRST_NUMBER, Place.PROBABILITY))
]
_Label = Annotated[str, AfterValidator(_readable_from(Place.OUTPUT, Place.POINTER, Place.MOST_PROBABLE))]
_Explanation = Annotated[str, AfterValidator(_readable_from(Place.OUTPUT, Place.POINTER))]
_Feature = Annotated[str, AfterValidator(_readable_from(*Place))]
_GroupText = Annotated[str, AfterValidator(_group_source)]
_Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Shape(BaseModel):
    """Keys that are the rules' own are ignored; a known key of a wrong type is a problem."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", defer_build=True)


class _PositiveShape(_Shape):
    label: str | None = None
    score_at_least: _Finite | None = None

    @model_validator(mode="after")
    def _one(self) -> _PositiveShape:
        if (self.label is None) is (self.score_at_least is None):
            raise ValueError("give either label or score_at_least")
        return self


class _ReadShape(_Shape):
    score: _Score | None = None
    label: _Label | None = None
    explanation: _Explanation | None = None
    features: Annotated[dict[str, _Feature], Field(max_length=FEATURES_LIMIT)] | None = None
    group: _GroupText | None = None
    positive: _PositiveShape | None = None
    score_range: list[_Finite] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> _ReadShape:
        if (interval := self.score_range) is not None and (len(interval) != 2 or not interval[0] < interval[1]):
            raise ValueError("score_range is [least, greatest]")
        if (positive := self.positive) is not None:
            if positive.label is not None and self.label is None:
                raise ValueError("positive.label needs read.label")
            if positive.score_at_least is not None and self.score is None:
                raise ValueError("positive.score_at_least needs read.score")
        return self


class _ExplainShape(_Shape):
    timeout_ms: Annotated[int, Field(ge=1, le=EXPLAIN_LIMIT_MS)]
    read: _Explanation | None = None


class _ModelShape(_Shape):
    batch: bool = True
    stream: Literal["judge", "refuse"] = "refuse"
    risk_tier: str | None = None
    rules: dict[str, str] = Field(default_factory=dict)
    unknown_group: str | None = None
    groups: list[str] = Field(default_factory=list, max_length=GROUPS_LIMIT)
    disparate_impact_max: Annotated[_Finite, Field(ge=1)] | None = None
    read: _ReadShape | None = None
    explain: _ExplainShape | None = None

    @model_validator(mode="after")
    def _explanations_have_one_place(self) -> _ModelShape:
        if self.explain is not None and self.read is not None and self.read.explanation is not None:
            raise ValueError("give either explain or read.explanation: answers carry one, or it is fetched")
        return self

    @model_validator(mode="after")
    def _groups_are_vouched_for(self) -> _ModelShape:
        """Contract 5: with a group that the caller names, `skip_band` would let any invented group escape."""
        source = self.read.group if self.read else None
        if source and self.unknown_group == "skip_band" and parse_group_source(source).place is GroupPlace.HEADER:
            raise ValueError("unknown_group skip_band is refused together with a header as read.group")
        return self


class _BundleShape(_Shape):
    revision: str = ""
    roots: list[str] = Field(default_factory=lambda: [""])
    sequence: Annotated[int, Field(ge=0)] | None = None
    created_unix_s: _Finite | None = None


class _FactsShape(_Shape):
    models: dict[str, _ModelShape] = Field(default_factory=dict)
    guards: dict[str, list[str]] = Field(default_factory=dict)
    absent: list[str] = Field(default_factory=list)
    bundles: dict[str, _BundleShape] = Field(default_factory=dict, max_length=BUNDLES_LIMIT)


def read_facts(answer: Answer) -> Facts:
    """The facts in an engine's answer; raises `FactsInvalid` with every problem."""
    if answer.value is UNDEFINED:
        raise FactsInvalid(["data.sidecar.facts is undefined: the policy lacks its generated module"])
    try:
        shape = _FactsShape.model_validate(answer.value)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
        raise FactsInvalid([_told(detail) for detail in details[:PROBLEM_LIMIT]]) from None
    return Facts(
        answer.revision,
        {name: _model(name, model, shape.guards) for name, model in shape.models.items()},
        {name: tuple(phases) for name, phases in shape.guards.items()},
        tuple(shape.absent),
        {name: _bundle(bundle) for name, bundle in shape.bundles.items()},
    )


def _bundle(shape: _BundleShape) -> BundleFacts:
    return BundleFacts(shape.revision, tuple(shape.roots), shape.sequence, shape.created_unix_s)


def _told(detail: ErrorDetails) -> str:
    path = ".".join(str(part) for part in detail["loc"])
    return f"facts: {path}: {detail['msg'].removeprefix('Value error, ')}"


def _model(name: str, shape: _ModelShape, guards: Mapping[str, Sequence[str]]) -> ModelFacts:
    return ModelFacts(
        name,
        batch=shape.batch,
        stream=shape.stream,
        answers_judged=any(
            "response" in phases and _is_enforced(guard, shape.rules) for guard, phases in guards.items()
        ),
        groups=tuple(dict.fromkeys(shape.groups)),
        disparate_impact_max=shape.disparate_impact_max,
        read=ReadPlan() if shape.read is None else _plan(shape.read),
        rules=shape.rules,
        risk_tier=shape.risk_tier,
        explain=None if shape.explain is None else _explain(shape.explain),
    )


def _explain(shape: _ExplainShape) -> Explain:
    return Explain(shape.timeout_ms, _reader(shape.read))


def _is_enforced(guard: str, rules: Mapping[str, str]) -> bool:
    """Contract 5: a shipped rule not named is enforced; one of one's own counts where it is named."""
    return (guard in rules or guard in SHIPPED_GUARDS) and rules.get(guard) not in ("shadow", "off")


def _plan(shape: _ReadShape) -> ReadPlan:
    positive, interval = shape.positive, shape.score_range
    return ReadPlan(
        score=_reader(shape.score),
        label=_reader(shape.label),
        explanation=_reader(shape.explanation),
        features={name: parse_reader(text) for name, text in (shape.features or {}).items()},
        group=None if shape.group is None else parse_group_source(shape.group),
        positive=None if positive is None else Positive(positive.label, positive.score_at_least),
        score_range=None if interval is None else (interval[0], interval[1]),
    )


def _reader(text: str | None) -> Reader | None:
    return None if text is None else parse_reader(text)
