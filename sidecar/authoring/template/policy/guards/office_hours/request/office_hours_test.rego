package guards.office_hours.request_test

import data.guards.office_hours.request as guard
import data.lib.fixture_test as fixture

# 20 November 2026, 00:00 UTC.
midnight_unix_s := 1795132800

models := fixture.with_facts({"hours_utc": {"first": 8, "last": 18}})

at(hour) := object.union(fixture.request, {"time": {"unix_s": midnight_unix_s + (hour * 3600)}})

permits(call, models) if guard.pass with input as call with data.models as models

violations(call, models) := found if {
	found := guard.violation with input as call with data.models as models
}

test_permits_from_the_first_hour_on if {
	permits(at(8), models)
	violations(at(8), models) == set()
}

test_permits_until_a_second_before_the_last if permits(at(18 - (1 / 3600)), models)

test_denies_before_and_after[hour] if {
	some hour in [0, 7.5, 18, 23.9]
	not permits(at(hour), models)
	violations(at(hour), models) == {{
		"code": "outside_hours",
		"message": "model credit serves from 8 to 18 o'clock UTC",
		"remedy": "Call again within these hours.",
	}}
}

test_a_permit_ends_with_the_last_hour if {
	guard.valid_until_unix_s == midnight_unix_s + (18 * 3600) with input as at(10) with data.models as models
}

test_denies_without_hours if {
	not permits(at(10), fixture.models)
	violations(at(10), fixture.models) == set()
}

test_denies_hours_of_a_wrong_type[key] if {
	some key in ["first", "last"]
	wrong := fixture.with_facts({"hours_utc": object.union({"first": 8, "last": 18}, {key: "8"})})
	not permits(at(10), wrong)
	violations(at(10), wrong) == set()
}

test_denies_an_unknown_model if not permits(object.union(at(10), {"endpoint": {"model": "other"}}), models)
