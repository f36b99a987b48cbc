# Mitigation: what is demanded in place of a refusal.
package sidecar_test

import data.lib.fixture_test as fixture

test_allows_with_a_flag_for_review if {
	decided_response(object.union(outlying, mitigated({"fairness_band": {"action": "flag_review"}}))) == object.union(
		released,
		{"obligations": [{"type": "flag_review", "rule": "fairness_band", "reasons": [outlier]}]},
	)
}

throttling := {
	"type": "throttle",
	"rule": "disparate_impact",
	"rate_per_s": 1,
	"hold_s": 300,
	"reasons": [uneven],
}

throttle := mitigated({"disparate_impact": {"action": "throttle", "rate_per_s": 1, "hold_s": 300}})

test_allows_with_a_throttle if {
	decided_response(object.union(certain, throttle)) == object.union(released, {"obligations": [throttling]})
}

test_allows_with_a_fallback_for_each_instance if {
	one := mitigated({"fairness_band": {"action": "fallback", "outputs": [{"label": "refer"}]}})
	decided_response(object.union(outlying, one)) == object.union(released, {"obligations": [{
		"type": "fallback",
		"rule": "fairness_band",
		"outputs": [{"label": "refer"}],
		"reasons": [outlier],
	}]})
	three := {"input/prediction/scores": [0.9, 0.9, 0.9], "input/instances": 3}
	[repeated] := decided_response(object.union(three, one)).obligations
	repeated.outputs == [{"label": "refer"}, {"label": "refer"}, {"label": "refer"}]
	own := mitigated({"fairness_band": {"action": "fallback", "outputs": [1, 2, 3]}})
	[each] := decided_response(object.union(three, own)).obligations
	each.outputs == [1, 2, 3]
}

test_denies_where_the_mitigation_is_unknown_or_incomplete[note] if {
	some note, mitigation in {
		"null": null,
		"no object": "flag_review",
		"no action": {},
		"deny": {"action": "deny"},
		"another case": {"action": "Flag_review"},
		"an unknown action": {"action": "allow"},
		"an action that is null": {"action": null},
		"a throttle without its rate": {"action": "throttle", "hold_s": 300},
		"a throttle without its hold": {"action": "throttle", "rate_per_s": 1},
		"a rate of zero": {"action": "throttle", "rate_per_s": 0, "hold_s": 300},
		"a hold below zero": {"action": "throttle", "rate_per_s": 1, "hold_s": -1},
		"a rate that is a string": {"action": "throttle", "rate_per_s": "1", "hold_s": 300},
		"a hold that is a boolean": {"action": "throttle", "rate_per_s": 1, "hold_s": true},
		"a hold that is a string": {"action": "throttle", "rate_per_s": 1, "hold_s": "300"},
		"a hold of zero": {"action": "throttle", "rate_per_s": 1, "hold_s": 0},
		"all of a throttle but its action": {"action": "deny", "rate_per_s": 1, "hold_s": 300},
		"all of a fallback but its action": {"action": "deny", "outputs": [{}]},
		"a fallback without outputs": {"action": "fallback"},
		"a fallback of no output": {"action": "fallback", "outputs": []},
		"a fallback of two for one": {"action": "fallback", "outputs": [{}, {}]},
		"outputs that are no list": {"action": "fallback", "outputs": {"0": {}}},
		"outputs that are null": {"action": "fallback", "outputs": null},
		"outputs beside a guard that computes them": {"action": "fallback", "outputs": [{}], "by": "fairness_band"},
		"a guard that computes none": {"action": "fallback", "by": "staleness"},
		"a guard that does not exist": {"action": "fallback", "by": "nobody"},
		"a guard's name that is none": {"action": "fallback", "by": null},
		"a guard's name that is a list": {"action": "fallback", "by": ["credit_scoring"]},
	}
	decided_response(object.union(outlying, mitigated({"fairness_band": mitigation}))) == denied([outlier])
}

# What credit_scoring decides by rule.
lending := {
	"input/prediction/features": {"income": [50], "loan_amount": [150]},
	"data/models/credit/loan_to_income_max": 3,
}

computing := mitigated({"fairness_band": {"action": "fallback", "by": "credit_scoring"}})

test_allows_with_a_fallback_that_a_guard_computes if {
	decided_response(object.union(outlying, object.union(lending, computing))) == object.union(
		released,
		{"obligations": [{
			"type": "fallback",
			"rule": "fairness_band",
			"by": "credit_scoring",
			"outputs": [{"label": "approve"}],
			"reasons": [outlier],
		}]},
	)
}

test_allows_with_the_failing_guards_own_fallback if {
	own := object.union(
		{"data/models/credit/mitigation": {"credit_scoring": {"action": "fallback"}}},
		ruled({"credit_scoring": "enforce", "fairness_band": "off"}),
	)
	[obligation] := decided_response(object.union(outlying, object.union(lending, own))).obligations
	object.remove(obligation, ["reasons"]) == {
		"type": "fallback",
		"rule": "credit_scoring",
		"by": "credit_scoring",
		"outputs": [{"label": "approve"}],
	}
}

test_denies_where_the_fallback_has_not_one_decision_for_each_instance[features] if {
	some features in [
		null,
		{"income": [50]},
		{"income": ["50"], "loan_amount": [150]},
		{"income": [50, 50], "loan_amount": [150, 150]},
	]
	limited := {"data/models/credit/loan_to_income_max": 3, "input/prediction/features": features}
	decided_response(object.union(outlying, object.union(limited, computing))) == denied([outlier])
}

test_denies_where_a_fallback_would_be_computed_before_the_model if {
	computed := mitigated({"staleness": {"action": "fallback", "by": "credit_scoring"}})
	decided_request(object.union(aged, computed)) == denied([stale])
}

test_denies_where_the_mitigations_are_no_object[mitigation] if {
	some mitigation in [null, "flag_review", ["flag_review"], true]
	decided_response(object.union(outlying, mitigated(mitigation))) == denied([outlier])
}

test_denies_where_the_mitigation_is_another_guards if {
	decided_response(object.union(outlying, throttle)) == denied([outlier])
}

test_keeps_a_throttle_and_drops_a_fallback_with_a_refusal if {
	both := {
		"disparate_impact": {"action": "throttle", "rate_per_s": 1, "hold_s": 300},
		"fairness_band": {"action": "fallback", "outputs": [{}]},
	}
	changes := object.union(object.union(outlying, certain), {"input/prediction/explanation": null})
	decided_response(object.union(changes, mitigated(both))) == object.union(
		denied([unexplained]),
		{"obligations": [throttling]},
	)
}

test_demands_nothing_of_a_guard_that_passes_or_is_not_enforced if {
	flagged := mitigated({"fairness_band": {"action": "flag_review"}})
	decided_response(flagged) == released
	decided_response(object.union(outlying, object.union(flagged, ruled({"fairness_band": "off"})))) == released
	shadowed := decided_response(object.union(outlying, object.union(flagged, ruled({"fairness_band": "shadow"}))))
	shadowed == object.union(released, {"shadow": [without_remedy(outlier)]})
}

test_allows_with_a_mitigation_in_the_request if {
	decided_request(object.union(aged, mitigated({"staleness": {"action": "flag_review"}}))) == object.union(
		allowed,
		{"obligations": [{"type": "flag_review", "rule": "staleness", "reasons": [stale]}]},
	)
}

# Nothing was found that could be mitigated.
test_denies_where_a_mitigated_guard_fails_without_a_word[action] if {
	some action in [
		{"action": "flag_review"},
		{"action": "throttle", "rate_per_s": 1, "hold_s": 300},
		{"action": "fallback", "outputs": [{}]},
	]
	ageless := fixture.without(fixture.asking_request, "data/models/credit/max_age_days")
	decided(changed(ageless, mitigated({"staleness": action}))) == denied([silent("staleness")])
	bandless := fixture.without(fixture.asking_response, "data/models/credit/band")
	both := mitigated({"fairness_band": action, "group_mean_band": action})
	decided(changed(bandless, both)) == denied([silent("fairness_band"), silent("group_mean_band")])
}

test_demands_nothing_of_a_silent_guard_with_another_guards_refusal if {
	throttling_staleness := mitigated({"staleness": {"action": "throttle", "rate_per_s": 1, "hold_s": 300}})
	ageless := fixture.without(fixture.asking_request, "data/models/credit/max_age_days")
	tokenless_too := changed(ageless, {"input/consent": {"status": "missing"}})
	decided(changed(tokenless_too, throttling_staleness)) == denied([tokenless])
}
