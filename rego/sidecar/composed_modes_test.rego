# Rules and modes: which guards are asked, and what becomes of their verdict.
package sidecar_test

import data.lib.fixture_test as fixture
import data.sidecar

test_denies_rules_that_name_a_guard_that_exists_nowhere[mode] if {
	some mode in ["enforce", "shadow", "off", null]
	reason := malformed("stalenes", "the model's rules name stalenes, and no such guard exists")
	decided_request(ruled({"stalenes": mode})) == denied([reason])
	decided_response(ruled({"stalenes": mode})) == denied([reason])
}

test_denies_rules_that_are_no_object[rules] if {
	some rules in [null, false, "off", 0, [], ["staleness"]]
	decided_request(ruled(rules)) == denied([malformed("sidecar", "the model's rules are not an object")])
}

test_enforces_under_a_mode_that_is_no_exact_word[mode] if {
	some mode in ["enforce", "Shadow", "SHADOW", "OFF", "off ", " shadow", "observe", "", null, false, true, 0, ["off"], {}]
	decided_request(object.union(aged, ruled({"staleness": mode}))) == denied([stale])
}

test_enforces_shipped_guards_when_a_mode_is_missing if {
	decided_request(aged) == denied([stale])
	question := fixture.without(fixture.asking_request, "data/models/credit/rules")
	decided(question) == allowed
	decided(changed(question, aged)) == denied([stale])
}

test_requires_every_shipped_guard[name] if {
	some name, question in {
		"provenance": changed(fixture.asking_request, {"input/attributes/data_version": fixture.missing}),
		"staleness": changed(fixture.asking_request, aged),
		"consent": changed(fixture.asking_request, {"input/consent": {"status": "missing"}}),
		"fairness_band": changed(fixture.asking_response, outlying),
		"group_mean_band": changed(fixture.asking_response, {"input/window/groups/a": {"mean_lower": 0.7, "mean_upper": 0.8}}),
		"disparate_impact": changed(fixture.asking_response, certain),
		"explanation": changed(fixture.asking_response, {"input/prediction/explanation": null}),
	}
	decision := decided(question)
	decision.allow == false
	{reason.rule | some reason in decision.reasons} == {name}
	all_shadowed := decided(changed(question, ruled({guard: "shadow" | some guard, _ in sidecar.facts.guards})))
	all_shadowed.allow == true
	{reason | some reason in decision.reasons; not without_remedy(reason) in all_shadowed.shadow} == set()
	others_off := {other: "off" | some other, _ in sidecar.facts.guards; other != name}
	decided(changed(question, ruled(others_off))) == decision
}

test_requires_a_guard_of_ones_own_only_where_it_is_named if {
	others := {"fairness_band": "off"}
	decided_response(object.union(outlying, ruled(others))) == released
	decided_response(object.union(outlying, ruled(object.union(others, {"credit_scoring": "enforce"})))) == denied([{
		"code": "score_out_of_band",
		"rule": "credit_scoring",
		"message": "1 of 1 scores lie more than 10 % from their group's mean",
		"remedy": "Have a credit officer decide these cases.",
	}])
	named := ruled({"credit_scoring": "enforce", "staleness": "off"})
	decided_request(named) == allowed
	decided_request(object.union(aged, named)) == denied([{
		"code": "data_stale",
		"rule": "credit_scoring",
		"message": "credit scoring allows data of at most 1 days",
		"remedy": "Score with a newer data version.",
	}])
}

test_shadow_changes_only_its_own_verdict if {
	shadowed := object.union(aged, ruled({"staleness": "shadow"}))
	told := [without_remedy(stale)]
	decided_request(ruled({"staleness": "shadow"})) == allowed
	decided_request(shadowed) == object.union(allowed, {"shadow": told})
	refused := decided_request(object.union(shadowed, {"input/consent": {"status": "missing"}}))
	refused == object.union(denied([tokenless]), {"shadow": told})
}

test_shadow_names_a_silent_guard_if_nothing_else_is_said if {
	question := fixture.without(fixture.asking_request, "data/models/credit/max_age_days")
	shadowed := changed(question, ruled({"staleness": "shadow"}))
	decided(shadowed) == object.union(allowed, {"shadow": [without_remedy(silent("staleness"))]})
	decided(changed(shadowed, {"input/consent": {"status": "missing"}})) == denied([tokenless])
}

test_shadow_in_the_response if {
	decided_response(object.union(outlying, ruled({"fairness_band": "shadow"}))) == object.union(
		released,
		{"shadow": [without_remedy(outlier)]},
	)
}

test_off_asks_nothing if {
	decided_request(object.union(aged, ruled({"staleness": "off"}))) == allowed
	decided_response(object.union(outlying, ruled({"fairness_band": "off"}))) == released
	question := changed(fixture.asking_request, all_off)
	decided(json.remove(question, ["input/attributes", "input/consent"])) == allowed
	decided(fixture.with_value(question, "input/phase", "response")) == released
}
