package guards.disparate_impact.response_test

import data.guards.disparate_impact.response as guard
import data.lib.fixture_test as fixture

permits(call, models) if {
	guard.pass with input as call
		with data.models as models
}

denies(call, codes) if {
	not permits(call, fixture.models)
	found := guard.violation with input as call with data.models as fixture.models
	fixture.codes(found) == codes
}

windowed(window) := object.union(fixture.response, {"window": window})

test_permits_what_is_not_certain if permits(fixture.response, fixture.models)

test_permits_too_small_a_window if {
	permits(windowed({"state": "insufficient_data", "disparate_impact": null}), fixture.models)
}

test_denies_a_certain_excess if denies(windowed({"disparate_impact": {"certain": true}}), {"disparate_impact"})

test_denies_a_certain_excess_in_a_degraded_window if {
	denies(windowed({"state": "degraded", "disparate_impact": {"certain": true}}), {"disparate_impact"})
}

test_denies_a_missing_estimate if denies(windowed({"disparate_impact": null}), set())

test_denies_a_missing_window if denies(object.remove(fixture.response, ["window"]), set())

test_denies_without_a_limit if not permits(fixture.response, fixture.without_fact("disparate_impact_max"))

test_denies_a_limit_of_a_wrong_type if {
	not permits(fixture.response, fixture.with_facts({"disparate_impact_max": "1.5"}))
}
