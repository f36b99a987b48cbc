# METADATA
# title: Refusals of the group-mean band
# description: Each refusal as a whole value, and what is refused when a fact is missing or of a wrong type.
package guards.group_mean_band.response_test

import data.guards.group_mean_band.response as guard
import data.lib.fixture_test as fixture

judged(question) := found if {
	found := {"pass": guard.pass, "violation": guard.violation} with input as question.input
		with data.models as question.data.models
		with data.group_mean as question.data.group_mean
}

judged_without(path) := judged(fixture.without(fixture.asking_response, path))

judged_with(path, value) := judged(fixture.with_value(fixture.asking_response, path, value))

# The call under a window with these bounds of the mean score of group a.
judged_live(lower, upper) := judged_with("input/window/groups/a", {"mean_lower": lower, "mean_upper": upper})

out_of_band(groups, percent) := {
	"code": "group_mean_out_of_band",
	"message": sprintf("the live mean score of %d of the call's groups left the band of %d %%", [groups, percent]),
	"remedy": "Review the model for drift; change group_mean only through a proposal with evidence.",
}

drifted := {"mean_lower": 0.7, "mean_upper": 0.8}

test_permits_without_a_word if judged(fixture.asking_response) == fixture.permitted

test_permits_bounds_that_touch_the_band if {
	judged_live(0.55, 0.7) == fixture.permitted
	judged_live(0.3, 0.45) == fixture.permitted
	judged_live(0, 1) == fixture.permitted
}

test_denies_bounds_that_lie_outside if {
	judged_live(0.5501, 0.7) == fixture.refused({out_of_band(1, 10)})
	judged_live(0.3, 0.4499) == fixture.refused({out_of_band(1, 10)})
	judged_live(-1, -0.5) == fixture.refused({out_of_band(1, 10)})
}

test_denies_by_the_models_own_band if {
	question := fixture.with_value(fixture.asking_response, "data/models/credit/band", 0.02)
	judged(question) == fixture.permitted
	live := fixture.with_value(question, "input/window/groups/a/mean_lower", 0.52)
	judged(live) == fixture.refused({out_of_band(1, 2)})
}

test_denies_in_a_degraded_window_too if {
	question := fixture.with_value(fixture.asking_response, "input/window/state", "degraded")
	judged(question) == fixture.permitted
	live := fixture.with_value(question, "input/window/groups/a", drifted)
	judged(live) == fixture.refused({out_of_band(1, 10)})
}

test_permits_a_window_that_holds_too_little if {
	window := {"state": "insufficient_data", "groups": {"a": drifted}}
	judged_with("input/window", window) == fixture.permitted
	judged_with("input/window", {"state": "insufficient_data"}) == fixture.permitted
}

test_permits_a_group_that_the_window_has_not_seen if judged_without("input/window/groups/a") == fixture.permitted

test_denies_a_group_that_neither_window_nor_data_have_seen if {
	unseen := fixture.without(fixture.asking_response, "input/window/groups/a")
	judged(fixture.without(unseen, "data/group_mean/credit/a")) == fixture.refused({fixture.group_mean_missing})
	unlisted := fixture.with_value(unseen, "data/group_mean/credit/c", 0.5)
	named := fixture.with_value(unlisted, "input/attributes/groups/value", ["c"])
	judged(named) == fixture.refused({fixture.group_unknown})
}

test_judges_only_the_groups_of_the_call if {
	question := fixture.with_value(fixture.asking_response, "input/window/groups/b", drifted)
	judged(question) == fixture.permitted
	both := fixture.with_value(question, "input/attributes/groups/value", ["a", "b", "b"])
	judged(both) == fixture.refused({out_of_band(1, 10)})
	all_drifted := fixture.with_value(both, "input/window/groups/a", drifted)
	judged(all_drifted) == fixture.refused({out_of_band(2, 10)})
}

test_denies_what_can_not_be_judged_by_group if {
	judged_with("input/attributes/groups", fixture.missing) == fixture.refused({fixture.groupless})
	judged_with("input/attributes/groups/value", ["c"]) == fixture.refused({fixture.group_unknown})
	judged_without("data/group_mean/credit/a") == fixture.refused({fixture.group_mean_missing})
}

test_denies_for_every_reason_at_once if {
	without_mean := fixture.without(fixture.asking_response, "data/group_mean/credit/b")
	judged(json.patch(without_mean, [
		{"op": "add", "path": "input/window/groups/a", "value": drifted},
		{"op": "add", "path": "input/attributes/groups/value", "value": ["a", "b", "c"]},
	])) == fixture.refused({out_of_band(1, 10), fixture.group_mean_missing, fixture.group_unknown})
}

test_skips_only_groups_that_somebody_vouches_for[source] if {
	some source, verdict in {
		"claim:group": fixture.permitted,
		"input:applicant[2]": fixture.permitted,
		"header:X-Protected-Group": fixture.refused({fixture.group_unknown}),
		"Header:X-Protected-Group": fixture.refused({fixture.group_unknown}),
	}
	skipping := json.patch(fixture.asking_response, [
		{"op": "add", "path": "data/models/credit/unknown_group", "value": "skip_band"},
		{"op": "add", "path": "input/attributes/groups/value", "value": ["c"]},
	])
	judged(fixture.with_value(skipping, "data/models/credit/read/group", source)) == verdict
	judged(fixture.with_value(skipping, "input/attributes/groups/source", source)) == verdict
}

test_judges_known_groups_where_unknown_ones_are_skipped if {
	skipping := fixture.with_value(fixture.asking_response, "data/models/credit/unknown_group", "skip_band")
	named := fixture.with_value(skipping, "input/attributes/groups/value", ["c", "a"])
	judged(named) == fixture.permitted
	live := fixture.with_value(named, "input/window/groups/a", drifted)
	judged(live) == fixture.refused({out_of_band(1, 10)})
}

test_skips_no_group_where_the_facts_list_none[groups] if {
	some groups in [null, "a", "", {}, {"x": "a"}, true, 1]
	skipping := fixture.with_value(fixture.asking_response, "data/models/credit/unknown_group", "skip_band")
	judged(fixture.with_value(skipping, "data/models/credit/groups", groups)) == fixture.refused(set())
	judged(fixture.without(skipping, "data/models/credit/groups")) == fixture.refused(set())
}

test_skips_no_group_that_is_no_string[group] if {
	some group in [null, false, 1, ["c"]]
	skipping := fixture.with_value(fixture.asking_response, "data/models/credit/unknown_group", "skip_band")
	judged(fixture.with_value(skipping, "input/attributes/groups/value", [group])) == fixture.refused({fixture.group_unknown})
}

test_refuses_when_groups_are_no_list[groups] if {
	some groups in [null, "", "a", {}, {"0": "a"}, false, 0]
	judged_with("input/attributes/groups/value", groups) == fixture.refused(set())
}

test_refuses_when_the_band_is_below_zero if judged_with("data/models/credit/band", -0.1) == fixture.refused(set())

test_denies_an_empty_list_of_groups if {
	judged_with("input/attributes/groups/value", []) == fixture.refused({fixture.groupless})
}

test_refuses_when_what_the_window_saw_is_no_object[seen] if {
	some seen in [null, false, true, 0, "", []]
	judged_with("input/window/groups/a", seen) == fixture.refused(set())
}

test_refuses_when_the_band_is_below_zero_and_the_window_holds_too_little if {
	question := fixture.with_value(fixture.asking_response, "input/window/state", "insufficient_data")
	judged(fixture.with_value(question, "data/models/credit/band", -0.1)) == fixture.refused(set())
}

test_refuses_when_a_fact_is_missing[path] if {
	some path, violations in {
		"input/window": set(),
		"input/window/state": set(),
		"input/window/groups": set(),
		"input/window/groups/a/mean_lower": set(),
		"input/window/groups/a/mean_upper": set(),
		"input/endpoint": set(),
		"input/endpoint/model": set(),
		"input/attributes": {fixture.groupless},
		"input/attributes/groups": {fixture.groupless},
		"input/attributes/groups/status": {fixture.groupless},
		"input/attributes/groups/value": set(),
		"data/models/credit": set(),
		"data/models/credit/band": set(),
		"data/models/credit/groups": set(),
		"data/group_mean/credit": {fixture.group_mean_missing},
		"data/group_mean/credit/a": {fixture.group_mean_missing},
	}
	judged_without(path) == fixture.refused(violations)
}

test_refuses_when_the_band_is_missing_and_the_window_holds_too_little if {
	question := fixture.with_value(fixture.asking_response, "input/window/state", "insufficient_data")
	judged(fixture.without(question, "data/models/credit/band")) == fixture.refused(set())
	judged(fixture.with_value(question, "data/models/credit/band", "0.1")) == fixture.refused(set())
}

test_refuses_when_the_band_is_missing_and_the_window_has_not_seen_the_group if {
	unseen := fixture.without(fixture.asking_response, "input/window/groups/a")
	judged(fixture.without(unseen, "data/models/credit/band")) == fixture.refused(set())
}

test_refuses_when_the_windows_state_is_unknown if {
	question := fixture.with_value(fixture.asking_response, "input/window/groups/a", drifted)
	unknown := fixture.with_value(question, "input/window/state", "fine")
	judged(unknown) == fixture.refused(set())
	judged(fixture.without(unknown, "input/attributes/groups")) == fixture.refused(set())
}

# What the sidecar tells of a group where the model declares no score.
test_refuses_when_a_group_has_no_means[state] if {
	some state in ["ok", "degraded"]
	question := fixture.with_value(fixture.asking_response, "input/window/state", state)
	live := {"n": 412, "mean_score": null, "mean_lower": null, "mean_upper": null, "positive_rate": 0.61}
	judged(fixture.with_value(question, "input/window/groups/a", live)) == fixture.refused(set())
	judged(fixture.with_value(question, "input/window/groups/b", live)) == fixture.permitted
}

test_refuses_when_a_bound_is_of_a_wrong_type[bound] if {
	some bound in ["input/window/groups/a/mean_lower", "input/window/groups/a/mean_upper"]
	every value in [null, false, "0.5", [], {}] { judged_with(bound, value) == fixture.refused(set()) }
}

test_refuses_when_a_fact_is_of_a_wrong_type[path] if {
	some path, case in {
		"input/window": {"value": "ok", "violations": set()},
		"input/window/state": {"value": "OK", "violations": set()},
		"input/window/groups": {"value": [], "violations": set()},
		"input/window/groups/a": {"value": null, "violations": set()},
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
