package guards.provenance.request_test

import data.guards.provenance.request as guard
import data.lib.fixture_test as fixture

permits(call) if {
	guard.pass with input as call
		with data.models as fixture.models
		with data.datasets as fixture.datasets
}

codes(call) := codes if {
	codes := fixture.codes(guard.violation) with input as call
		with data.models as fixture.models
		with data.datasets as fixture.datasets
}

changed(attribute) := object.union(fixture.request, {"attributes": {"data_version": attribute}})

test_permits_a_registered_version if permits(fixture.request)

test_says_nothing_of_a_registered_version if codes(fixture.request) == set()

test_denies_an_unknown_version if {
	call := changed({"value": "other", "status": "present"})
	not permits(call)
	codes(call) == {"data_version_unknown"}
}

test_denies_a_missing_version if {
	call := changed(fixture.missing)
	not permits(call)
	codes(call) == {"attribute_missing"}
}

test_denies_a_version_in_conflict if {
	call := changed({"value": "loans", "status": "conflict"})
	not permits(call)
	codes(call) == {"attribute_missing"}
}

test_denies_an_unknown_model if {
	call := object.union(fixture.request, {"endpoint": {"model": "other"}})
	not permits(call)
	codes(call) == {"model_unknown"}
}

test_denies_an_empty_input if not permits({})
