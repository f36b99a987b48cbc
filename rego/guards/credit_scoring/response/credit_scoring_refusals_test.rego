# METADATA
# title: Refusals of credit scoring, response
# description: Each refusal as a whole value, and what is refused when a fact is missing or of a wrong type.
package guards.credit_scoring.response_test

import data.guards.credit_scoring.response as guard
import data.lib.fixture_test as fixture

judged(question) := found if {
	found := {"pass": guard.pass, "violation": guard.violation} with input as question.input
		with data.models as question.data.models
		with data.group_mean as question.data.group_mean
}

judged_without(path) := judged(fixture.without(fixture.asking_response, path))

judged_with(path, value) := judged(fixture.with_value(fixture.asking_response, path, value))

out_of_band(outside, scores, percent) := {
	"code": "score_out_of_band",
	"message": sprintf("%d of %d scores lie more than %d %% from their group's mean", [outside, scores, percent]),
	"remedy": "Have a credit officer decide these cases.",
}

test_permits_without_a_word if judged(fixture.asking_response) == fixture.permitted

test_permits_both_edges[score] if {
	some score in [0.45, 0.5, 0.55]
	judged_with("input/prediction/scores", [score]) == fixture.permitted
}

test_denies_a_score_outside_and_does_not_tell_it[score] if {
	some score in [0.4499, 0.5501, -1, 99]
	judged_with("input/prediction/scores", [score]) == fixture.refused({out_of_band(1, 1, 10)})
}

test_denies_by_the_models_own_band if {
	question := fixture.with_value(fixture.asking_response, "data/models/credit/band", 0.01)
	judged(question) == fixture.refused({out_of_band(1, 1, 1)})
}

test_denies_by_the_mean_of_the_applicants_group if {
	question := fixture.with_value(fixture.asking_response, "input/prediction/scores", [0.54])
	judged(question) == fixture.permitted
	in_b := fixture.with_value(question, "input/attributes/groups/value", ["b"])
	judged(in_b) == fixture.refused({out_of_band(1, 1, 10)})
}

test_denies_what_can_not_be_judged_by_group if {
	judged_with("input/attributes/groups", fixture.missing) == fixture.refused({fixture.groupless})
	judged_with("input/attributes/groups/value", ["c"]) == fixture.refused({fixture.group_unknown})
	judged_without("data/group_mean/credit/a") == fixture.refused({fixture.group_mean_missing})
}

test_denies_each_score_by_its_own_group if {
	judged_scores([0.55, 0.44], ["a", "b"]) == fixture.permitted
	judged_scores([0.55, 0.55], ["a", "b"]) == fixture.refused({out_of_band(1, 2, 10)})
	judged_scores([0.5, 0.99], ["a"]) == fixture.refused({out_of_band(1, 2, 10)})
	judged_scores([0.44, 0.56], ["a", "b"]) == fixture.refused({out_of_band(2, 2, 10)})
	judged_scores([0.44, 0.56], ["b", "a"]) == fixture.refused({out_of_band(1, 2, 10)})
}

test_denies_an_unknown_group_beside_a_known_one if {
	judged_scores([0.5, 0.5], ["a", "c"]) == fixture.refused({fixture.group_unknown})
}

# A call of several instances, each with a score, and the groups that they name.
judged_scores(scores, groups) := judged(json.patch(fixture.asking_response, [
	{"op": "add", "path": "input/instances", "value": count(scores)},
	{"op": "add", "path": "input/prediction/scores", "value": scores},
	{"op": "add", "path": "input/attributes/groups/value", "value": groups},
]))

test_refuses_when_scores_instances_and_groups_do_not_match if {
	judged_scores([0.5], ["a", "b"]) == fixture.refused(set())
	judged_scores([0.5, 0.5, 0.5], ["a", "b"]) == fixture.refused(set())
	judged_scores([0.5], []) == fixture.refused({fixture.groupless})
	judged_with("input/prediction/scores", [0.5, 0.5]) == fixture.refused(set())
}

test_refuses_when_instances_are_not_the_scores[instances] if {
	some instances in [0, 2, 1.5, "1", null, true]
	judged_with("input/instances", instances) == fixture.refused(set())
}

test_refuses_when_groups_are_no_list[groups] if {
	some groups in [null, "", "a", {}, {"0": "a"}, false, 0]
	judged_with("input/attributes/groups/value", groups) == fixture.refused(set())
}

test_refuses_when_the_band_is_below_zero if judged_with("data/models/credit/band", -0.1) == fixture.refused(set())

test_refuses_when_a_fact_is_missing[path] if {
	some path, violations in {
		"input/instances": set(),
		"input/prediction": set(),
		"input/prediction/scores": set(),
		"input/endpoint": set(),
		"input/endpoint/model": set(),
		"input/attributes": {fixture.groupless},
		"input/attributes/groups": {fixture.groupless},
		"input/attributes/groups/status": {fixture.groupless},
		"input/attributes/groups/value": set(),
		"data/models/credit/band": set(),
		"data/models/credit": set(),
		"data/models/credit/groups": set(),
		"data/group_mean/credit": {fixture.group_mean_missing},
		"data/group_mean/credit/a": {fixture.group_mean_missing},
	}
	judged_without(path) == fixture.refused(violations)
}

test_refuses_when_a_fact_is_of_a_wrong_type[path] if {
	some path, case in {
		"input/prediction": {"value": [0.5], "violations": set()},
		"input/prediction/scores": {"value": 0.5, "violations": set()},
		"input/prediction/scores/0": {"value": "0.5", "violations": {out_of_band(1, 1, 10)}},
		"input/attributes/groups": {"value": ["a"], "violations": {fixture.groupless}},
		"input/attributes/groups/value": {"value": "a", "violations": set()},
		"input/attributes/groups/value/0": {"value": 1, "violations": {fixture.group_unknown}},
		"data/models/credit/band": {"value": "0.9", "violations": set()},
		"data/models/credit/groups": {"value": {"x": "a"}, "violations": set()},
		"data/group_mean/credit": {"value": 0.5, "violations": {fixture.group_mean_missing}},
		"data/group_mean/credit/a": {"value": "0.5", "violations": {fixture.group_mean_missing}},
	}
	judged_with(path, case.value) == fixture.refused(case.violations)
}

# The decisions by rule, or null where there are none.
by_rule(question) := decisions if {
	decisions := guard.fallback with input as question.input with data.models as question.data.models
} else := null

lending := json.patch(fixture.asking_response, [
	{"op": "add", "path": "data/models/credit/loan_to_income_max", "value": 3},
	{"op": "add", "path": "input/prediction/features", "value": {"income": [50], "loan_amount": [150]}},
])

test_decides_by_rule_from_features_alone if {
	by_rule(lending) == [{"label": "approve"}]
	by_rule(fixture.without(lending, "input/prediction/scores")) == [{"label": "approve"}]
}

test_decides_nothing_by_rule_when_a_fact_is_missing[path] if {
	some path in [
		"input/prediction",
		"input/prediction/features",
		"input/prediction/features/income",
		"input/prediction/features/loan_amount",
		"input/endpoint",
		"input/endpoint/model",
		"data/models/credit",
		"data/models/credit/loan_to_income_max",
	]
	by_rule(fixture.without(lending, path)) == null
}

test_decides_nothing_by_rule_when_a_fact_is_of_a_wrong_type[path] if {
	some path in [
		"input/prediction/features",
		"input/prediction/features/income",
		"input/prediction/features/loan_amount",
		"data/models/credit/loan_to_income_max",
	]
	every value in [null, "3", true, {}, {"0": 50}] { by_rule(fixture.with_value(lending, path, value)) == null }
}

# The composition asks for one decision an instance: a list that is too short refuses.
test_decides_nothing_by_rule_for_an_amount_that_is_none[path] if {
	some path in ["input/prediction/features/income/0", "input/prediction/features/loan_amount/0"]
	every value in [null, "50", true, [], -1] { by_rule(fixture.with_value(lending, path, value)) == [] }
}

test_decides_nothing_by_rule_where_an_amount_is_missing if {
	by_rule(fixture.with_value(lending, "input/prediction/features/loan_amount", [])) == []
}
