# METADATA
# title: Refusals of explanation
# description: The refusal as a whole value, and what counts as no explanation.
package guards.explanation.response_test

import data.guards.explanation.response as guard
import data.lib.fixture_test as fixture

judged(question) := found if {
	found := {"pass": guard.pass, "violation": guard.violation} with input as question.input
}

unexplained := {
	"code": "explanation_missing",
	"message": "the prediction comes without an explanation",
	"remedy": "Serve explanations with the model, or have the case judged by a person.",
}

test_permits_without_a_word if judged(fixture.asking_response) == fixture.permitted

test_permits_any_explanation_that_is_not_empty[explanation] if {
	some explanation in ["low income", {"income": 0.4}, [0.4], {"income": null}]
	question := fixture.with_value(fixture.asking_response, "input/prediction/explanation", explanation)
	judged(question) == fixture.permitted
}

test_denies_an_empty_explanation[explanation] if {
	some explanation in [null, false, "", [], {}]
	question := fixture.with_value(fixture.asking_response, "input/prediction/explanation", explanation)
	judged(question) == fixture.refused({unexplained})
}

test_refuses_when_the_explanation_is_missing[path] if {
	some path in ["input/prediction/explanation", "input/prediction"]
	judged(fixture.without(fixture.asking_response, path)) == fixture.refused({unexplained})
}

test_refuses_when_the_prediction_is_of_a_wrong_type[prediction] if {
	some prediction in [null, "explained", ["explained"], 1]
	question := fixture.with_value(fixture.asking_response, "input/prediction", prediction)
	judged(question) == fixture.refused({unexplained})
}
