# METADATA
# title: Refusals of the fairness band
# description: Each refusal as a whole value, and what is refused when a fact is missing or of a wrong type.
package guards.fairness_band.response_test

import data.guards.fairness_band.response as guard
import data.lib.fixture_test as fixture

judged(question) := found if {
	found := {"pass": guard.pass, "violation": guard.violation} with input as question.input
		with data.models as question.data.models
		with data.group_mean as question.data.group_mean
}

judged_without(path) := judged(fixture.without(fixture.asking_response, path))

judged_with(path, value) := judged(fixture.with_value(fixture.asking_response, path, value))

# A call of several instances, each with a score, and the groups that they name.
judged_scores(scores, groups) := judged(json.patch(fixture.asking_response, [
	{"op": "add", "path": "input/instances", "value": count(scores)},
	{"op": "add", "path": "input/prediction/scores", "value": scores},
	{"op": "add", "path": "input/attributes/groups/value", "value": groups},
]))

out_of_band(outside, scores, percent) := {
	"code": "score_out_of_band",
	"message": sprintf("%d of %d scores lie outside the band of %d %% around their group's mean", [outside, scores, percent]),
	"remedy": "Have the case judged by a person, or review the model and its group means.",
}

test_permits_without_a_word if judged(fixture.asking_response) == fixture.permitted

test_permits_an_edge_that_floats_do_not_hit if {
	question := fixture.with_value(fixture.asking_response, "data/group_mean/credit/a", 0.1663)
	narrow := fixture.with_value(question, "data/models/credit/band", 0.07)
	judged(fixture.with_value(narrow, "input/prediction/scores", [0.177941])) == fixture.permitted
	judged(fixture.with_value(narrow, "input/prediction/scores", [0.177942])) == fixture.refused({out_of_band(1, 1, 7)})
}

test_permits_scores_around_a_mean_below_zero if {
	question := fixture.with_value(fixture.asking_response, "data/group_mean/credit/a", -2)
	judged(fixture.with_value(question, "input/prediction/scores", [-2.2])) == fixture.permitted
	judged(fixture.with_value(question, "input/prediction/scores", [-1.8])) == fixture.permitted
	judged(fixture.with_value(question, "input/prediction/scores", [2])) == fixture.refused({out_of_band(1, 1, 10)})
}

test_permits_a_single_group_for_all_instances if {
	judged_scores([0.55, 0.46, 0.5], ["a"]) == fixture.permitted
	judged_scores([0.55, 0.56, 0.44], ["a"]) == fixture.refused({out_of_band(2, 3, 10)})
}

test_denies_each_score_by_its_own_group if {
	judged_scores([0.55, 0.44], ["a", "b"]) == fixture.permitted
	judged_scores([0.55, 0.55], ["a", "b"]) == fixture.refused({out_of_band(1, 2, 10)})
	judged_scores([0.44, 0.55], ["a", "b"]) == fixture.refused({out_of_band(2, 2, 10)})
}

test_denies_a_score_outside_and_does_not_tell_it[score] if {
	some score in [0.4499, 0.5501, -1, 99]
	judged_with("input/prediction/scores", [score]) == fixture.refused({out_of_band(1, 1, 10)})
}

test_denies_what_can_not_be_judged_by_group if {
	judged_with("input/attributes/groups", fixture.missing) == fixture.refused({fixture.groupless})
	judged_with("input/attributes/groups/value", ["c"]) == fixture.refused({fixture.group_unknown})
	judged_without("data/group_mean/credit/a") == fixture.refused({fixture.group_mean_missing})
}

test_denies_an_unknown_group_that_has_a_mean if {
	question := fixture.with_value(fixture.asking_response, "data/group_mean/credit/c", 0.51)
	named := fixture.with_value(question, "input/attributes/groups/value", ["c"])
	judged(named) == fixture.refused({fixture.group_unknown})
}

test_denies_for_every_reason_at_once if {
	without_mean := fixture.without(fixture.asking_response, "data/group_mean/credit/b")
	judged(json.patch(without_mean, [
		{"op": "add", "path": "input/instances", "value": 3},
		{"op": "add", "path": "input/prediction/scores", "value": [0.9, 0.9, 0.9]},
		{"op": "add", "path": "input/attributes/groups/value", "value": ["a", "b", "c"]},
	])) == fixture.refused({out_of_band(1, 3, 10), fixture.group_mean_missing, fixture.group_unknown})
}

test_skips_only_groups_that_somebody_vouches_for[source] if {
	some source, verdict in {
		"claim:group": fixture.permitted,
		"input:applicant[2]": fixture.permitted,
		"header:X-Protected-Group": fixture.refused({fixture.group_unknown}),
		"HEADER:X-Protected-Group": fixture.refused({fixture.group_unknown}),
	}
	skipping := json.patch(fixture.asking_response, [
		{"op": "add", "path": "data/models/credit/unknown_group", "value": "skip_band"},
		{"op": "add", "path": "input/attributes/groups/value", "value": ["c"]},
		{"op": "add", "path": "input/prediction/scores", "value": [0.9]},
	])
	judged(fixture.with_value(skipping, "data/models/credit/read/group", source)) == verdict
	judged(fixture.with_value(skipping, "input/attributes/groups/source", source)) == verdict
}

test_skips_no_group_under_another_word[word] if {
	some word in ["deny", "Skip_band", "skip", null, true]
	question := fixture.with_value(fixture.asking_response, "data/models/credit/unknown_group", word)
	judged(fixture.with_value(question, "input/attributes/groups/value", ["c"])) == fixture.refused({fixture.group_unknown})
}

test_judges_no_score_by_groups_that_are_not_present[status] if {
	some status in ["missing", "conflict", "malformed", "truncated"]
	question := fixture.with_value(fixture.asking_response, "input/attributes/groups/status", status)
	judged(question) == fixture.refused({fixture.groupless})
	judged(fixture.with_value(question, "input/prediction/scores", [0.9])) == fixture.refused({fixture.groupless})
}

test_refuses_when_the_band_is_missing_and_the_group_is_skipped if {
	skipping := fixture.with_value(fixture.asking_response, "data/models/credit/unknown_group", "skip_band")
	named := fixture.with_value(skipping, "input/attributes/groups/value", ["c"])
	judged(named) == fixture.permitted
	judged(fixture.without(named, "data/models/credit/band")) == fixture.refused(set())
}

test_refuses_when_scores_instances_and_groups_do_not_match if {
	judged_with("input/instances", 2) == fixture.refused(set())
	judged_with("input/prediction/scores", []) == fixture.refused(set())
	judged_with("input/prediction/scores", [0.5, 0.5]) == fixture.refused(set())
	judged_scores([0.5, 0.5, 0.5], ["a", "b"]) == fixture.refused(set())
	judged_scores([0.5], ["a", "b"]) == fixture.refused(set())
	judged_scores([0.5], []) == fixture.refused({fixture.groupless})
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
		"data/models/credit": set(),
		"data/models/credit/band": set(),
		"data/models/credit/groups": set(),
		"data/group_mean/credit": {fixture.group_mean_missing},
		"data/group_mean/credit/a": {fixture.group_mean_missing},
	}
	judged_without(path) == fixture.refused(violations)
}

test_refuses_when_a_fact_is_of_a_wrong_type[path] if {
	some path, case in {
		"input/instances": {"value": "1", "violations": set()},
		"input/prediction": {"value": [0.5], "violations": set()},
		"input/prediction/scores": {"value": {"0": 0.9}, "violations": set()},
		"input/prediction/scores/0": {"value": "0.5", "violations": {out_of_band(1, 1, 10)}},
		"input/attributes/groups": {"value": ["a"], "violations": {fixture.groupless}},
		"input/attributes/groups/status": {"value": true, "violations": {fixture.groupless}},
		"input/attributes/groups/value": {"value": "a", "violations": set()},
		"input/attributes/groups/value/0": {"value": 1, "violations": {fixture.group_unknown}},
		"data/models/credit/band": {"value": "0.9", "violations": set()},
		"data/models/credit/groups": {"value": {"x": "a"}, "violations": set()},
		"data/group_mean/credit": {"value": 0.5, "violations": {fixture.group_mean_missing}},
		"data/group_mean/credit/a": {"value": "0.5", "violations": {fixture.group_mean_missing}},
	}
	judged_with(path, case.value) == fixture.refused(case.violations)
}
