package guards.credit_scoring.request_test

import data.guards.credit_scoring.request as guard
import data.lib.fixture_test as fixture

permits(call, models) if {
	guard.pass with input as call
		with data.models as models
		with data.datasets as fixture.datasets
}

codes(call, models) := codes if {
	codes := fixture.codes(guard.violation) with input as call
		with data.models as models
		with data.datasets as fixture.datasets
}

old := object.union(fixture.request, {"time": {"unix_s": 1799999999}})

test_permits_recent_data if permits(fixture.request, fixture.models)

test_denies_old_data if {
	not permits(old, fixture.models)
	codes(old, fixture.models) == {"data_stale"}
}

test_denies_missing_data if {
	not permits(object.union(fixture.request, {"attributes": {"data_version": fixture.missing}}), fixture.models)
}

test_denies_without_a_limit if not permits(fixture.request, fixture.without_fact("max_age_days"))
