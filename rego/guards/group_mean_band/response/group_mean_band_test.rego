package guards.group_mean_band.response_test

import data.guards.group_mean_band.response as guard
import data.lib.fixture_test as fixture

permits(call, models) if {
	guard.pass with input as call
		with data.models as models
		with data.group_mean as fixture.group_mean
}

denies(call, codes) if {
	not permits(call, fixture.models)
	found := guard.violation with input as call
		with data.models as fixture.models
		with data.group_mean as fixture.group_mean
	fixture.codes(found) == codes
}

live(lower, upper) := object.union(
	fixture.response,
	{"window": {"groups": {"a": {"mean_lower": lower, "mean_upper": upper}}}},
)

test_permits_a_live_mean_in_band if permits(fixture.response, fixture.models)

test_permits_a_mean_that_may_be_in_band if permits(live(0.54, 0.7), fixture.models)

test_denies_a_mean_above if denies(live(0.56, 0.7), {"group_mean_out_of_band"})

test_denies_a_mean_below if denies(live(0.3, 0.44), {"group_mean_out_of_band"})

test_permits_too_small_a_window if {
	permits(object.union(live(0.9, 0.9), {"window": {"state": "insufficient_data"}}), fixture.models)
}

test_permits_a_group_that_the_window_has_not_seen if {
	permits(object.union(fixture.response, {"attributes": {"groups": {"value": ["b"]}}}), fixture.models)
}

test_denies_an_unknown_group if {
	denies(object.union(fixture.response, {"attributes": {"groups": {"value": ["c"]}}}), {"group_unknown"})
}

test_denies_a_missing_group if {
	denies(object.union(fixture.response, {"attributes": {"groups": fixture.missing}}), {"attribute_missing"})
}

test_denies_missing_bounds if denies(live(null, null), set())

test_denies_a_missing_window if denies(object.remove(fixture.response, ["window"]), set())

test_denies_without_band if not permits(fixture.response, fixture.without_fact("band"))

test_denies_too_small_a_window_without_band if {
	call := object.union(fixture.response, {"window": {"state": "insufficient_data"}})
	not permits(call, fixture.without_fact("band"))
}
