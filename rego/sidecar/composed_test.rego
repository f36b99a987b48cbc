# METADATA
# title: The guards' composition
# description: Each way to an allow that the composition closes, and each one that it opens, as whole decisions.
package sidecar_test

import data.lib.fixture_test as fixture
import data.sidecar

decided(question) := decision if {
	decision := sidecar.decision with input as question.input
		with data.models as question.data.models
		with data.datasets as question.data.datasets
		with data.group_mean as question.data.group_mean
		with data.revocations as question.data.revocations
}

# What differs from the request and the response that every guard permits, by path.
decided_request(changes) := decided(changed(fixture.asking_request, changes))

decided_response(changes) := decided(changed(fixture.asking_response, changes))

changed(question, changes) := json.patch(question, [{"op": "add", "path": path, "value": value} |
	some path, value in changes
])

allowed := {"allow": true, "reasons": [], "shadow": [], "obligations": [], "ttl_s": 5}

# After the model nothing is kept.
released := object.union(allowed, {"ttl_s": 0})

denied(reasons) := {"allow": false, "reasons": reasons, "shadow": [], "obligations": [], "ttl_s": 0}

malformed(rule, message) := {
	"code": "policy_malformed",
	"rule": rule,
	"message": message,
	"remedy": "Run `sidecar check` on the policy and its data.",
}

silent(rule) := malformed(rule, sprintf("the guard %s fails and gives no reason", [rule]))

without_remedy(reason) := object.remove(reason, ["remedy"])

stale := {
	"code": "data_stale",
	"rule": "staleness",
	"message": "data_version loans is 28 hours old; credit allows 24",
	"remedy": "Use data that is younger, or refresh this data set.",
}

# The data is 27.8 hours old.
aged := {"data/models/credit/max_age_days": 1}

outlier := {
	"code": "score_out_of_band",
	"rule": "fairness_band",
	"message": "1 of 1 scores lie outside the band of 10 % around their group's mean",
	"remedy": "Have the case judged by a person, or review the model and its group means.",
}

outlying := {"input/prediction/scores": [0.9]}

uneven := {
	"code": "disparate_impact",
	"rule": "disparate_impact",
	"message": "positive predictions favour one group beyond the limit of 150 % of the other's rate",
	"remedy": "Review the model's outcomes by group before it is used further.",
}

certain := {"input/window/disparate_impact/certain": true}

unexplained := {
	"code": "explanation_missing",
	"rule": "explanation",
	"message": "the prediction comes without an explanation",
	"remedy": "Serve explanations with the model, or have the case judged by a person.",
}

tokenless := {
	"code": "consent_missing",
	"rule": "consent",
	"message": "the call carries no consent token",
	"remedy": "Send the person's consent token in X-Consent-Token.",
}

ruled(rules) := {"data/models/credit/rules": rules}

all_off := ruled({name: "off" | some name, _ in sidecar.facts.guards})

mitigated(mitigation) := {"data/models/credit/mitigation": mitigation}

# Soundness of the question.

test_allows_what_every_guard_permits if {
	decided_request({}) == allowed
	decided_response({}) == released
}

test_denies_an_unknown_phase[phase] if {
	some phase in ["respond", "Request", "", null, true, ["request"]]
	decided_request({"input/phase": phase}) == denied([malformed("sidecar", "the phase is neither request nor response")])
}

test_denies_instances_below_1_or_of_a_wrong_type[instances] if {
	some instances in [0, -1, 0.5, 1.5, "1", null, true, [1]]
	reason := malformed("sidecar", "instances is not a whole number of at least 1")
	decided_request({"input/instances": instances}) == denied([reason])
	decided_response({"input/instances": instances}) == denied([reason])
}

test_denies_a_time_of_a_wrong_type[unix_s] if {
	some unix_s in ["1795300000", null, true, []]
	decided_request({"input/time/unix_s": unix_s}) == denied([malformed("sidecar", "the time is not a number")])
}

test_denies_an_unsound_question_where_every_guard_is_off[path] if {
	some path, message in {
		"input/instances": "instances is not a whole number of at least 1",
		"input/time/unix_s": "the time is not a number",
	}
	every value in ["1", [1], {}, null, false] {
		decided_request(object.union(all_off, {path: value})) == denied([malformed("sidecar", message)])
		decided_response(object.union(all_off, {path: value})) == denied([malformed("sidecar", message)])
	}
}

test_denies_no_instances_where_every_guard_is_off if {
	reason := malformed("sidecar", "instances is not a whole number of at least 1")
	decided_request(object.union(all_off, {"input/instances": 0})) == denied([reason])
	decided_response(object.union(all_off, {"input/instances": 0})) == denied([reason])
}

test_refuses_when_a_part_of_the_question_is_missing[path] if {
	some path, message in {
		"input/phase": "the phase is neither request nor response",
		"input/instances": "instances is not a whole number of at least 1",
		"input/time": "the time is not a number",
		"input/time/unix_s": "the time is not a number",
	}
	decided(fixture.without(fixture.asking_request, path)) == denied([malformed("sidecar", message)])
}

test_refuses_when_everything_is_missing if {
	decided({"input": {}, "data": {"models": {}, "datasets": {}, "group_mean": {}, "revocations": {}}}) == denied([
		malformed("sidecar", "instances is not a whole number of at least 1"),
		malformed("sidecar", "the phase is neither request nor response"),
		malformed("sidecar", "the time is not a number"),
	])
}

test_denies_an_unknown_model if {
	decided_request({"input/endpoint/model": "debit"}) == denied([{
		"code": "model_unknown",
		"rule": "provenance",
		"message": "model debit is not registered",
		"remedy": "Register the model's facts under models.",
	}])
	decided_response({"input/endpoint/model": "debit"}) == denied([unregistered("debit")])
}

unregistered(model) := {
	"code": "model_unknown",
	"rule": "sidecar",
	"message": sprintf("model %s is not registered", [model]),
	"remedy": "Register the model's facts under models.",
}

test_denies_a_response_of_a_model_that_is_no_object[facts] if {
	some facts in [false, null, "off", [], 1]
	decided_response({"data/models/credit": facts}) == denied([unregistered("credit")])
}

test_denies_a_response_without_its_model[path] if {
	some path in ["input/endpoint", "input/endpoint/model"]
	question := fixture.without(fixture.asking_response, path)
	decided(question) == denied([malformed("sidecar", "the call names no model")])
}

test_denies_a_response_whose_model_is_no_string[model] if {
	some model in [null, false, 1, ["credit"], {}]
	reason := malformed("sidecar", "the call names no model")
	decided_response({"input/endpoint/model": model}) == denied([reason])
}

# Should a rule of the composition itself ever come to nothing.
test_denies_where_the_policy_comes_to_no_decision if {
	decision := sidecar.decision with input as {} with sidecar.unsound as set()
	decision == denied([malformed("sidecar", "the policy came to no decision")])
}

# Many calls at once, and facts.

judged_together(items) := decisions if {
	decisions := sidecar.decisions with input as {"items": items}
		with data.models as fixture.models
		with data.datasets as fixture.datasets
		with data.group_mean as fixture.group_mean
		with data.revocations as fixture.revocations
}

test_answers_each_call_by_its_own_index if {
	nobody := {"status": "missing"}
	judged_together([
		fixture.request,
		object.union(object.remove(fixture.request, ["consent"]), {"consent": nobody}),
		fixture.response,
		null,
		object.union(fixture.response, {"prediction": {"scores": [0.9]}}),
	]) == {
		0: allowed,
		1: denied([tokenless]),
		2: released,
		3: denied([
			malformed("sidecar", "instances is not a whole number of at least 1"),
			malformed("sidecar", "the phase is neither request nor response"),
			malformed("sidecar", "the time is not a number"),
		]),
		4: denied([outlier]),
	}
}

# A list would close the gap with the neighbour's answer.
test_leaves_a_gap_where_one_call_is_missing if {
	judged_together({"0": fixture.request, "2": object.remove(fixture.request, ["phase"])}) == {
		"0": allowed,
		"2": denied([malformed("sidecar", "the phase is neither request nor response")]),
	}
}

test_answers_nothing_to_nobody if {
	judged_together([]) == {}
	sidecar.decisions == {} with input as {}
}

# The shipped guards, and nothing said of others: a folder may hold guards of its own.
test_tells_the_models_and_the_guards_with_their_phases if {
	facts := sidecar.facts with data.models as fixture.models
	facts.models == fixture.models
	facts.absent == []
	object.subset(facts.guards, {
		"consent": ["request"],
		"disparate_impact": ["response"],
		"explanation": ["response"],
		"fairness_band": ["response"],
		"group_mean_band": ["response"],
		"provenance": ["request"],
		"staleness": ["request"],
	})
}

test_tells_no_models_where_the_data_is_missing if sidecar.facts.models == {}
