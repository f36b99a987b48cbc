# Revocations in two tiers: what either has is refused, and so is every call while one of the two may lack something.
package guards.consent.request_test

import data.lib.fixture_test as fixture

token := "ab12cccccccccccccccccccccccccccc00000000000000000000000000000000"

subject := "cd34dddddddddddddddddddddddddddd00000000000000000000000000000000"

bulk := {"number": 3, "tokens": {"ab12": "eeeeeeeeeeeeeeeeeeeeeeeeeeee"}, "subjects": {}}

tiers := {"tokens": {"x": 1}, "subjects": {}, "after": 3, "earlier": bulk}

asked := json.patch(fixture.asking_request, [
	{"op": "replace", "path": "input/consent/token_id", "value": token},
	{"op": "replace", "path": "input/consent/subject", "value": subject},
])

judged_by(revocations) := judged(fixture.with_value(asked, "data/revocations", revocations))

judged_by_bulk(changes) := judged_by(object.union(tiers, {"earlier": changes}))

test_permits_whom_neither_tier_revokes if judged_by(tiers) == fixture.permitted

test_permits_a_newer_bulk_than_is_needed if judged_by_bulk({"number": 4}) == fixture.permitted

test_permits_a_bulk_beside_a_first_tier_with_everything if {
	judged_by(object.remove(tiers, ["after"])) == fixture.permitted
}

test_permits_a_token_without_an_id_that_the_bulk_cannot_name if {
	question := fixture.with_value(asked, "data/revocations", tiers)
	judged(fixture.with_value(question, "input/consent/token_id", null)) == fixture.permitted
}

test_denies_what_was_revoked_of_late[changes] if {
	some changes in [{"tokens": {token: 1}}, {"subjects": {subject: 1}}]
	judged_by(object.union(tiers, changes)) == fixture.refused({revoked})
}

test_denies_what_was_revoked_earlier[changes] if {
	some changes in [
		{"tokens": {"ab12": "eeeeeeeeeeeeeeeeeeeeeeeeeeee cccccccccccccccccccccccccccc"}},
		{"subjects": {"cd34": "dddddddddddddddddddddddddddd"}},
	]
	judged_by_bulk(changes) == fixture.refused({revoked})
}

# Silently: what a guard finds may be mitigated, and this must not.
test_refuses_while_the_bulk_is_too_old if judged_by_bulk({"number": 2}) == fixture.refused(set())

test_refuses_without_the_bulk if judged_by(object.remove(tiers, ["earlier"])) == fixture.refused(set())

test_refuses_when_a_part_of_the_bulk_is_missing[name] if {
	some name in ["number", "tokens", "subjects"]
	judged_by(object.union(object.remove(tiers, ["earlier"]), {"earlier": object.remove(bulk, [name])})) == fixture.refused(set())
}

test_refuses_when_a_tier_is_of_a_wrong_type[path] if {
	some path in ["after", "earlier", "earlier/number", "earlier/tokens", "earlier/subjects", "earlier/tokens/ab12"]
	every value in [null, false, true, []] {
		judged_by(json.patch(tiers, [{"op": "replace", "path": path, "value": value}])) == fixture.refused(set())
	}
}

test_refuses_when_a_number_is_text if {
	judged_by(object.union(tiers, {"after": "3"})) == fixture.refused(set())
	judged_by_bulk({"number": "4"}) == fixture.refused(set())
}
