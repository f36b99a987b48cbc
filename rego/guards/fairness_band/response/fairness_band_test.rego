package guards.fairness_band.response_test

import data.guards.fairness_band.response as guard
import data.lib.fixture_test as fixture

permits(call, models) if {
	guard.pass with input as call
		with data.models as models
		with data.group_mean as fixture.group_mean
}

violations(call, models) := violations if {
	violations := guard.violation with input as call
		with data.models as models
		with data.group_mean as fixture.group_mean
}

denies(call, codes) if {
	not permits(call, fixture.models)
	fixture.codes(violations(call, fixture.models)) == codes
}

scored(scores) := object.union(fixture.response, {"prediction": {"scores": scores}})

grouped(names) := object.union(fixture.response, {"attributes": {"groups": {"value": names}}})

test_permits_a_score_in_band if permits(fixture.response, fixture.models)

test_permits_both_edges if {
	permits(scored([0.55]), fixture.models)
	permits(scored([0.45]), fixture.models)
}

test_denies_a_score_above if denies(scored([0.551]), {"score_out_of_band"})

test_denies_a_score_below if denies(scored([0.449]), {"score_out_of_band"})

test_never_tells_the_score if {
	some violation in violations(scored([0.8713]), fixture.models)
	not contains(violation.message, "0.87")
	not contains(violation.message, "87")
}

test_denies_without_scores if denies(scored(null), set())

test_denies_fewer_scores_than_instances if denies(object.union(fixture.response, {"instances": 2}), set())

test_denies_without_band if not permits(fixture.response, fixture.without_fact("band"))

test_denies_a_missing_group if {
	denies(object.union(fixture.response, {"attributes": {"groups": fixture.missing}}), {"attribute_missing"})
}

test_denies_an_unknown_group if denies(grouped(["c"]), {"group_unknown"})

test_denies_a_group_without_mean if {
	models := fixture.with_facts({"groups": ["a", "b", "c"]})
	not permits(grouped(["c"]), models)
	fixture.codes(violations(grouped(["c"]), models)) == {"group_mean_missing"}
}

test_skips_an_unknown_group_that_is_vouched_for if {
	permits(grouped(["c"]), fixture.with_facts({"unknown_group": "skip_band"}))
}

test_skips_no_group_that_the_caller_names if {
	models := fixture.with_facts({"unknown_group": "skip_band", "read": {"group": "header:X-Protected-Group"}})
	not permits(grouped(["c"]), models)
	fixture.codes(violations(grouped(["c"]), models)) == {"group_unknown"}
}

test_judges_each_instance_by_its_group if {
	call := object.union(scored([0.55, 0.44]), {"instances": 2, "attributes": {"groups": {"value": ["a", "b"]}}})
	permits(call, fixture.models)
	swapped := object.union(call, {"attributes": {"groups": {"value": ["b", "a"]}}})
	denies(swapped, {"score_out_of_band"})
}
