# Passing: what counts as a pass and as a reason, and how long a permit holds.
package sidecar_test

import data.lib.fixture_test as fixture
import data.sidecar

test_denies_by_a_silent_guard_only_if_nothing_else_explains if {
	question := fixture.without(fixture.asking_request, "data/models/credit/max_age_days")
	decided(question) == denied([silent("staleness")])
	decided(changed(question, {"input/consent": {"status": "missing"}})) == denied([tokenless])
}

test_drags_in_no_rule_that_depends_on_an_unknown_data_version if {
	decided_request({"input/attributes/data_version/value": "x"}) == denied([{
		"code": "data_version_unknown",
		"rule": "provenance",
		"message": "data_version x is not registered",
		"remedy": "Register the data version under datasets, or use one that is registered.",
	}])
}

test_takes_no_pass_that_is_not_true[pass] if {
	some pass in ["true", 1, {}, [], null, false]
	decision := sidecar.decision with input as fixture.request
		with data.models as fixture.models
		with data.datasets as fixture.datasets
		with data.revocations as fixture.revocations
		with data.guards.staleness.request.pass as pass
	decision == denied([silent("staleness")])
}

test_takes_no_violation_of_another_shape_for_a_reason[note] if {
	some note, violation in {
		"a string": "too late",
		"no code": {"message": "too late"},
		"no message": {"code": "too_late"},
		"a code that is a number": {"code": 7, "message": "too late"},
		"a message that is null": {"code": "too_late", "message": null},
	}
	decided_where_staleness_says(violation) == denied([silent("staleness")])
}

test_gives_a_violation_without_a_remedy_an_empty_one if {
	decided_where_staleness_says({"code": "too_late", "message": "after hours", "more": 1}) == denied([{
		"code": "too_late",
		"rule": "staleness",
		"message": "after hours",
		"remedy": "",
	}])
}

decided_where_staleness_says(violation) := decision if {
	decision := sidecar.decision with input as fixture.request
		with data.models as fixture.models
		with data.datasets as fixture.datasets
		with data.revocations as fixture.revocations
		with data.guards.staleness.request.pass as false
		with data.guards.staleness.request.violation as {violation}
}

test_does_not_let_the_input_stand_in_for_a_guard if {
	forged := {"input/data": {"guards": {"staleness": {"request": {"pass": true}}}}, "input/guards": {}}
	decided_request(object.union(aged, forged)) == denied([stale])
}

test_holds_a_permit_up_to_the_next_deadline if {
	decided_request({"input/consent/expires_unix_s": 1795300003.25}).ttl_s == 3.25
	decided_request({"input/consent/expires_unix_s": 1795299000}).ttl_s == 0
	decided_request({"data/datasets/loans/created_unix_s": 1792708002}).ttl_s == 2
	both := {"data/datasets/loans/created_unix_s": 1792708002, "input/consent/expires_unix_s": 1795300001}
	decided_request(both).ttl_s == 1
	own := object.union(both, ruled({"consent": "off", "staleness": "off", "credit_scoring": "enforce"}))
	decided_request(own).ttl_s == 2
	decided_request(object.union(both, ruled({"consent": "off", "staleness": "off"}))).ttl_s == 5
}

# Two seconds before the data's deadline, and one before the token's.
ending := {"data/datasets/loans/created_unix_s": 1792708002, "input/consent/expires_unix_s": 1795300001}

ungranted := {"input/consent/scopes": []}

# Only a pass can end: what fails in shadow or is off has no deadline.
test_holds_a_permit_with_a_shadow_up_to_the_next_deadline_of_a_pass if {
	unconsented := object.union(ending, ungranted)
	decided_request(object.union(unconsented, ruled({"consent": "shadow"}))).ttl_s == 2
	decided_request(object.union(unconsented, ruled({"consent": "shadow", "staleness": "off"}))).ttl_s == 5
	own := {"consent": "shadow", "staleness": "off", "credit_scoring": "enforce"}
	decided_request(object.union(unconsented, ruled(own))).ttl_s == 2
	stale_in_shadow := object.union(ending, aged)
	decided_request(object.union(stale_in_shadow, ruled({"staleness": "shadow"}))).ttl_s == 1
	decided_request(object.union(stale_in_shadow, ruled({"staleness": "shadow", "credit_scoring": "shadow"}))).ttl_s == 1
	decided_request(object.union(stale_in_shadow, ruled({"staleness": "shadow", "consent": "off"}))).ttl_s == 5
}

test_holds_a_response_whatever_ends_in_the_request if {
	decided_response(ending) == released
	decided_response(object.union(ending, object.union(outlying, ruled({"fairness_band": "shadow"})))).ttl_s == 0
}
