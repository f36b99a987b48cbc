# METADATA
# title: What is said of groups
# description: Which of the call's groups can't be judged, and each violation as a whole value.
package lib.groups_test

import data.lib.fixture_test as fixture
import data.lib.groups

# All that is found out about the call's groups.
found(question) := facts if {
	facts := {
		"named": groups.named,
		"unknown": groups.unknown,
		"without_mean": groups.without_mean,
		"violation": groups.violation,
	} with input as question.input
		with data.models as question.data.models
		with data.group_mean as question.data.group_mean
}

found_with(path, value) := found(fixture.with_value(fixture.asking_response, path, value))

found_without(path) := found(fixture.without(fixture.asking_response, path))

several(code, count_of_groups, rest, remedy) := {
	"code": code,
	"message": sprintf("%d of the call's groups %s", [count_of_groups, rest]),
	"remedy": remedy,
}

test_says_nothing_of_groups_that_can_be_judged if {
	found_with("input/attributes/groups/value", ["a", "b", "a"]) == {
		"named": {"a", "b"},
		"unknown": set(),
		"without_mean": set(),
		"violation": set(),
	}
}

test_tells_how_many_groups_are_unknown if {
	found_with("input/attributes/groups/value", ["c", "a", "d", "c"]) == {
		"named": {"a", "c", "d"},
		"unknown": {"c", "d"},
		"without_mean": set(),
		"violation": {several(
			"group_unknown",
			2,
			"are not among the groups of model credit",
			fixture.group_unknown.remedy,
		)},
	}
}

test_tells_how_many_groups_have_no_mean if {
	question := fixture.with_value(fixture.asking_response, "data/group_mean/credit", {})
	found(fixture.with_value(question, "input/attributes/groups/value", ["a", "b"])) == {
		"named": {"a", "b"},
		"unknown": set(),
		"without_mean": {"a", "b"},
		"violation": {several("group_mean_missing", 2, "have no mean for model credit", fixture.group_mean_missing.remedy)},
	}
}

test_names_no_group_that_is_not_present[status] if {
	some status in ["missing", "conflict", "malformed", "truncated", "", null]
	found_with("input/attributes/groups/status", status) == {
		"named": set(),
		"unknown": set(),
		"without_mean": set(),
		"violation": {fixture.groupless},
	}
}

test_names_no_group_when_the_groups_are_missing[path] if {
	some path in ["input/attributes", "input/attributes/groups", "input/attributes/groups/status"]
	found_without(path).violation == {fixture.groupless}
}

test_lists_no_skipped_group_as_unknown if {
	question := fixture.with_value(fixture.asking_response, "data/models/credit/unknown_group", "skip_band")
	skipped := found(fixture.with_value(question, "input/attributes/groups/value", ["c"]))
	skipped == {"named": {"c"}, "unknown": set(), "without_mean": set(), "violation": set()}
}

test_skips_no_group_when_a_source_is_missing[path] if {
	some path in ["data/models/credit/read", "data/models/credit/read/group", "input/attributes/groups/source"]
	skipping := fixture.with_value(fixture.asking_response, "data/models/credit/unknown_group", "skip_band")
	named := fixture.with_value(skipping, "input/attributes/groups/value", ["c"])
	found(fixture.without(named, path)).violation == {fixture.group_unknown}
}

test_has_a_mean_only_as_a_number if {
	has_mean("a", 0)
	has_mean("a", -0.5)
	not has_mean("b", 0.5)
	every mean in [null, "0.5", true, [], {}] { not has_mean("a", mean) }
}

has_mean(group, mean) if {
	groups.has_mean(group) with input as fixture.response with data.group_mean as {"credit": {"a": mean}}
}

test_is_vouched_for_by_no_source_of_a_wrong_type if {
	every source in [null, true, 1, [], ["claim:group"], {}, "header:", "hEADER:x"] {
		not groups.is_vouched_for(source)
	}
}

test_half_width_is_the_same_above_and_below_zero if {
	groups.half_width(2, 0.1) == groups.half_width(-2, 0.1)
	groups.half_width(0, 0.1) < 0.00000001
	groups.half_width(0, 0.1) > 0
}
