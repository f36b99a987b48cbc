# METADATA
# title: Refusals of explanation
# description: The refusal as a whole value, and what counts as no explanation.
package guards.explanation.response_test

import data.guards.explanation.response as guard
import data.lib.fixture_test as fixture

judged(question) := found if {
	found := {"pass": guard.pass, "violation": guard.violation} with input as question.input
		with data.models as question.data.models
}

# A call without explanation, of a model whose predictions need none.
unneeded := json.patch(fixture.asking_response, [
	{"op": "add", "path": "data/models/credit/risk_tier", "value": "low"},
	{"op": "add", "path": "input/attributes/explanation", "value": {"required": false}},
	{"op": "add", "path": "input/prediction/explanation", "value": null},
])

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

test_permits_none_where_none_is_needed if judged(unneeded) == fixture.permitted

test_refuses_when_the_tier_is_none_that_is_known[tier] if {
	some tier in ["high", "High", "low ", "Low", "critical", "", null, false, 1, ["low"], {"low": true}]
	judged(fixture.with_value(unneeded, "data/models/credit/risk_tier", tier)) == fixture.refused({unexplained})
}

test_refuses_when_it_is_unknown_whether_the_caller_asked[required] if {
	some required in [true, null, "false", 0, [], {}]
	asking := fixture.with_value(unneeded, "input/attributes/explanation/required", required)
	judged(asking) == fixture.refused({unexplained})
}

test_refuses_when_a_fact_is_missing[path] if {
	some path in [
		"input/attributes",
		"input/attributes/explanation",
		"input/attributes/explanation/required",
		"input/endpoint",
		"input/endpoint/model",
		"data/models/credit",
		"data/models/credit/risk_tier",
	]
	judged(fixture.without(unneeded, path)) == fixture.refused({unexplained})
}
