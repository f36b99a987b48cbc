package guards.staleness.request_test

import data.guards.staleness.request as guard
import data.lib.fixture_test as fixture

day_s := 86400

created_unix_s := 1795200000

permits(call, models) if {
	guard.pass with input as call
		with data.models as models
		with data.datasets as fixture.datasets
}

violations(call, models) := violations if {
	violations := guard.violation with input as call
		with data.models as models
		with data.datasets as fixture.datasets
}

at(unix_s) := object.union(fixture.request, {"time": {"unix_s": unix_s}})

test_permits_fresh_data if permits(fixture.request, fixture.models)

test_permits_data_of_exactly_the_limit if permits(at(created_unix_s + (30 * day_s)), fixture.models)

test_denies_data_past_the_limit if {
	call := at((created_unix_s + (30 * day_s)) + 1)
	not permits(call, fixture.models)
	fixture.codes(violations(call, fixture.models)) == {"data_stale"}
}

test_tells_age_and_limit if {
	some violation in violations(at(created_unix_s + (80 * day_s)), fixture.models)
	violation.message == "data_version loans is 80 days old; credit allows 30"
}

test_tells_a_short_limit_in_hours if {
	some violation in violations(at(created_unix_s + (2 * day_s)), fixture.with_facts({"max_age_days": 0.5}))
	violation.message == "data_version loans is 48 hours old; credit allows 12"
}

test_permits_clocks_that_differ_by_300_s if permits(at(created_unix_s - 300), fixture.models)

test_denies_data_from_the_future if {
	call := at(created_unix_s - 301)
	not permits(call, fixture.models)
	fixture.codes(violations(call, fixture.models)) == {"data_in_future"}
}

test_denies_without_a_limit if {
	not permits(fixture.request, fixture.without_fact("max_age_days"))
	violations(fixture.request, fixture.without_fact("max_age_days")) == set()
}

test_denies_a_limit_of_a_wrong_type if not permits(fixture.request, fixture.with_facts({"max_age_days": "30"}))

test_leaves_an_unknown_version_to_provenance if {
	call := object.union(fixture.request, {"attributes": {"data_version": fixture.missing}})
	not permits(call, fixture.models)
	violations(call, fixture.models) == set()
}

test_explains_an_unknown_version_that_provenance_lets_pass if {
	call := object.union(fixture.request, {"attributes": {"data_version": fixture.missing}})
	models := fixture.with_facts({"rules": {"provenance": "shadow"}})
	fixture.codes(violations(call, models)) == {"attribute_missing"}
}

test_deadline_is_creation_and_limit if {
	deadline := guard.valid_until_unix_s with input as fixture.request
		with data.models as fixture.models
		with data.datasets as fixture.datasets
	deadline == created_unix_s + (30 * day_s)
}
