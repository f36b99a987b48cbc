"""What is a score, a label, a feature, an explanation: mostly through TorchServe, the plainest."""

from __future__ import annotations

import orjson
import pytest

from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.facts import ModelFacts, ReadPlan, parse_reader
from sidecar.model.message import Headers, Response
from sidecar.model.prediction import Prediction
from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused
from sidecar.protocols.base import Call
from sidecar.protocols.reading import without_body
from sidecar.protocols.torchserve import TorchServe
from sidecar.protocols.v1 import V1
from sidecar.protocols.v2.protocol import V2

ENDPOINT = Endpoint(EndpointKind.INFER, "torchserve", "infer", "credit")
OUT = parse_reader("output:x")
IN = parse_reader("input:age")


def predicted(
    answer: object, plan: ReadPlan, *, status: int = 200, headers: Headers = (), body: object = None
) -> Prediction:
    raw = answer if isinstance(answer, bytes) else orjson.dumps(answer)
    facts = ModelFacts("m", read=plan)
    call = without_body(Call(ENDPOINT, 1, {}, body), facts, TorchServe())
    return TorchServe().read_prediction(call, Response(status, headers, raw), facts)


def refusal(answer: object, plan: ReadPlan, *, headers: Headers = (), body: object = None) -> str:
    with pytest.raises(Refused) as caught:
        predicted(answer, plan, headers=headers, body=body)
    (reason,) = caught.value.reasons
    assert reason.code == "prediction_unreadable"
    return reason.message.removeprefix("the model's answer cannot be read: ")


@pytest.mark.parametrize("status", [199, 300, 404, 500])
def test_only_a_success_is_read(status: int) -> None:
    assert predicted(b"oops", ReadPlan(score=OUT), status=status) == Prediction(status)


def test_nothing_is_parsed_where_nothing_is_to_be_read() -> None:
    gzip = ((b"content-encoding", b"gzip"),)
    assert predicted(b"\x1f\x8b", ReadPlan(score_range=(0, 1)), headers=gzip) == Prediction(200)
    assert predicted(b"\x1f", ReadPlan(features={"age": IN}), headers=gzip, body={"age": 7}) == Prediction(
        200, features={"age": (7,)}
    )


@pytest.mark.parametrize("name", [b"content-encoding", b"inference-header-content-length"])
def test_a_coded_answer_cannot_be_read(name: bytes) -> None:
    answer = {"x": 0.5}
    assert refusal(answer, ReadPlan(score=OUT), headers=((name, b"9"),)) == "it is compressed or binary"


@pytest.mark.parametrize("score", [0, 1, 0.25, 1e-300])
def test_scores_within_their_range(score: float) -> None:
    plan = ReadPlan(score=OUT, score_range=(0, 1))
    assert predicted({"x": score}, plan) == Prediction(200, (float(score),))


@pytest.mark.parametrize("score", [-0.01, 1.01, 10**19])
def test_scores_outside_their_range_are_refused_without_a_word_of_them(score: float) -> None:
    plan = ReadPlan(score=OUT, score_range=(0, 1))
    assert refusal({"x": score}, plan) == "score output:x is outside score_range"
    assert predicted({"x": score}, ReadPlan(score=OUT)) == Prediction(200, (float(score),))


@pytest.mark.parametrize("score", [b"NaN", b"Infinity", b"1e999"])
def test_scores_that_are_no_json(score: bytes) -> None:
    assert "no JSON text" in refusal(b'{"x":%s}' % score, ReadPlan(score=OUT))


@pytest.mark.parametrize("score", [None, True, "0.5", {"y": 1}])
def test_scores_that_are_no_numbers(score: object) -> None:
    assert refusal({"x": score}, ReadPlan(score=OUT)) == "score output:x is not a number"


@pytest.mark.parametrize(
    ("label", "text"),
    [("approve", "approve"), ("", ""), (7, "7"), (-1, "-1"), (True, "true"), (False, "false"), ("é" * 128, "é" * 128)],
)
def test_labels(label: object, text: str) -> None:
    assert predicted({"x": label}, ReadPlan(label=OUT)) == Prediction(200, labels=(text,))


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (1.0, "label output:x is neither string nor integer nor boolean"),
        (None, "label output:x is neither string nor integer nor boolean"),
        ({}, "label output:x is neither string nor integer nor boolean"),
        ("é" * 129, "label output:x is over 256 bytes"),
    ],
)
def test_labels_refused(label: object, message: str) -> None:
    assert refusal({"x": label}, ReadPlan(label=OUT)) == message


def test_a_score_is_never_the_callers_word() -> None:
    message = refusal({}, ReadPlan(score=IN), body={"age": 1})
    assert message == "score input:age: an input is the caller's word, not the model's"


def test_features_from_request_and_answer() -> None:
    plan = ReadPlan(features={"age": IN, "risk": OUT, "tier": parse_reader("pointer:/y/z")})
    assert predicted({"x": None, "y": {"z": "b"}}, plan, body={"age": 51}) == Prediction(
        200, features={"age": (51,), "risk": (None,), "tier": ("b",)}
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "feature 'age' input:age: 0 values for 1 instances"),
        ({"age": [1, 2]}, "feature 'age' input:age: 0 values for 1 instances"),
        ({"age": {"y": 1}}, "feature 'age' input:age is not one scalar an instance"),
        ({"age": "é" * 128 + "s"}, "feature 'age' input:age is over 256 bytes"),
    ],
)
def test_features_refused(body: object, message: str) -> None:
    assert refusal({}, ReadPlan(features={"age": IN}), body=body) == message


@pytest.mark.parametrize(
    ("reader", "explanation"),
    [("output:x", [[1]]), ("pointer:/x/0", [1]), ("pointer:/y", None), ("output:y", None), ("input:a", None)],
)
def test_explanations_are_taken_as_they_are(reader: str, explanation: object) -> None:
    plan = ReadPlan(explanation=parse_reader(reader))
    assert predicted({"x": [[1]]}, plan) == Prediction(200, explanation=explanation)


def test_a_pointer_gives_one_value_an_instance() -> None:
    facts = ModelFacts("m", read=ReadPlan(score=parse_reader("pointer:/s")))
    call = Call(ENDPOINT, 2, {}, {"instances": [1, 2]})
    assert V1().read_prediction(call, Response(200, (), b'{"s":[0,1]}'), facts) == Prediction(200, (0.0, 1.0))
    for answer, count in ((b'{"s":1}', 1), (b'{"s":[1,2,3]}', 3)):
        with pytest.raises(Refused) as caught:
            V1().read_prediction(call, Response(200, (), answer), facts)
        assert caught.value.reasons == (
            Reason(
                "prediction_unreadable",
                f"the model's answer cannot be read: score pointer:/s: {count} values for 2 instances",
            ),
        )


def test_a_pointer_to_nothing_says_so() -> None:
    assert refusal({"s": 1}, ReadPlan(score=parse_reader("pointer:/t"))) == "score pointer:/t: nothing is there"


@pytest.mark.parametrize(
    ("answer", "score", "label", "prediction"),
    [
        ({"y": [{"n": 2}, 0.5]}, "first_number", None, Prediction(200, (2.0,))),
        (b"score: 0.25\n", "first_number", None, Prediction(200, (0.25,))),
        (7, None, "first_number", Prediction(200, labels=("7",))),
        ({"a": 0.9, "b": 0.1}, "probability:a", "most_probable", Prediction(200, (0.9,), ("a",))),
        ([{"a": 0.1, "b": 0.9}], "probability:a", "most_probable", Prediction(200, (0.1,), ("b",))),
    ],
)
def test_answers_in_a_shape_of_their_own(
    answer: object, score: str | None, label: str | None, prediction: Prediction
) -> None:
    plan = ReadPlan(
        score=None if score is None else parse_reader(score), label=None if label is None else parse_reader(label)
    )
    assert predicted(answer, plan) == prediction


@pytest.mark.parametrize(
    ("answer", "plan", "message"),
    [
        ({"a": "b"}, ReadPlan(score=parse_reader("first_number")), "score first_number: the answer holds no number"),
        (
            {"a": 0.9},
            ReadPlan(score=parse_reader("first_number"), score_range=(0, 0.5)),
            "score first_number is outside score_range",
        ),
        ({"a": 0.9}, ReadPlan(score=parse_reader("most_probable")), "score most_probable is not a number"),
        (
            {"a": 0.9},
            ReadPlan(label=parse_reader("probability:a")),
            "label probability:a is neither string nor integer nor boolean",
        ),
        (
            {"a": 0.5, "b": 0.5},
            ReadPlan(label=parse_reader("most_probable")),
            "label most_probable: no one label is the most probable",
        ),
        ({"a" * 257: 1}, ReadPlan(label=parse_reader("most_probable")), "label most_probable is over 256 bytes"),
        (
            [{"a": 1}, {"a": 0}],
            ReadPlan(score=parse_reader("probability:a")),
            "score probability:a: 2 values for 1 instances",
        ),
    ],
)
def test_answers_in_no_such_shape(answer: object, plan: ReadPlan, message: str) -> None:
    assert refusal(answer, plan) == message


def test_a_number_is_one_instances() -> None:
    facts = ModelFacts("m", read=ReadPlan(score=parse_reader("first_number")))
    with pytest.raises(Refused) as caught:
        V1().read_prediction(Call(ENDPOINT, 2), Response(200, (), b"[0.5,0.6]"), facts)
    message = "the model's answer cannot be read: score first_number: 1 values for 2 instances"
    assert caught.value.reasons == (Reason("prediction_unreadable", message),)


def test_not_every_protocol_answers_maps() -> None:
    facts = ModelFacts("m", read=ReadPlan(label=parse_reader("most_probable")))
    with pytest.raises(Refused) as caught:
        V2().read_prediction(Call(ENDPOINT, 1), Response(200, (), b'{"a":1}'), facts)
    message = "label most_probable: this protocol's answers hold no map of labels to probabilities"
    assert caught.value.reasons == (Reason("prediction_unreadable", f"the model's answer cannot be read: {message}"),)


def test_an_explanation_need_hold_no_prediction() -> None:
    plan = ReadPlan(
        score=OUT,
        label=parse_reader("pointer:/label"),
        explanation=parse_reader("output:why"),
        features={"age": IN, "risk": parse_reader("output:risk")},
    )
    facts = ModelFacts("m", read=plan)
    endpoint = Endpoint(EndpointKind.INFER, "torchserve", "explain", "credit")
    call = without_body(Call(endpoint, 1, {}, {"age": 7}), facts, TorchServe())

    def read(answer: object) -> Prediction:
        return TorchServe().read_prediction(call, Response(200, (), orjson.dumps(answer)), facts)

    assert read({"why": [1]}) == Prediction(200, explanation=[1], features={"age": (7,)})
    assert read({"x": 0.5, "risk": "low", "label": "a"}) == Prediction(
        200, (0.5,), ("a",), features={"age": (7,), "risk": ("low",)}
    )
    with pytest.raises(Refused):
        read({"x": "0.5"})
