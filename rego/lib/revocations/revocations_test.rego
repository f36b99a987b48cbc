package lib.revocations_test

import data.lib.revocations

# 64 digits, as identifiers are; the bulk keeps 32 of them.
revoked := "ab12cccccccccccccccccccccccccccc00000000000000000000000000000000"

beside := "ab12dddddddddddddddddddddddddddd00000000000000000000000000000000"

other := "ab12eeeeeeeeeeeeeeeeeeeeeeeeeeee00000000000000000000000000000000"

elsewhere := "ff00cccccccccccccccccccccccccccc00000000000000000000000000000000"

# Between the two packed digits of `revoked` and `beside`, across the space.
across := "ab12ccccccccccccccdddddddddddddd00000000000000000000000000000000"

packed := {"ab12": "cccccccccccccccccccccccccccc dddddddddddddddddddddddddddd"}

earlier := {"number": 3, "tokens": packed, "subjects": {}}

complete(after, bulk) if revocations.is_complete with data.revocations as object.union(after, {"earlier": bulk})

lacks(bulk, id) if revocations.lacks("tokens", id) with data.revocations as {"earlier": bulk}

has(bulk, id) if revocations.has("tokens", id) with data.revocations as {"earlier": bulk}

test_is_complete_up_to_the_number_that_the_first_tier_goes_on_from[number] if {
	some number in [0, 2, 2.5, 3]
	complete({"after": number}, earlier)
}

test_is_complete_where_the_first_tier_has_everything if complete({}, earlier)

test_is_not_complete_where_the_bulk_is_too_old if not complete({"after": 4}, earlier)

test_is_not_complete_without_the_bulk if not revocations.is_complete with data.revocations as {"after": 0}

test_is_not_complete_where_a_fact_is_missing[name] if {
	some name in ["number", "tokens", "subjects"]
	not complete({"after": 3}, object.remove(earlier, [name]))
}

test_is_not_complete_where_a_fact_is_of_a_wrong_type[name] if {
	some name in ["number", "tokens", "subjects"]
	every value in [null, false, true, "3", [3], ["ab12"]] {
		not complete({"after": 3}, object.union(earlier, {name: value}))
	}
}

test_is_not_complete_after_what_is_no_number if {
	every after in [null, false, true, "3", [], {}] { not complete({"after": after}, earlier) }
}

test_is_not_complete_with_a_bulk_of_a_wrong_type if {
	every bulk in [null, false, true, 3, "ab12", []] { not complete({"after": 3}, bulk) }
}

test_finds_what_is_revoked[id] if {
	some id in [revoked, beside]
	has(earlier, id)
	not lacks(earlier, id)
}

test_finds_nothing_else[id] if {
	some id in [other, elsewhere, across]
	lacks(earlier, id)
	not has(earlier, id)
}

test_looks_into_the_part_that_is_asked_for if {
	revocations.lacks("subjects", revoked) with data.revocations as {"earlier": earlier}
}

test_a_token_without_an_identifier_is_not_in_the_bulk if {
	lacks(earlier, null)
	not has(earlier, null)
}

# Neither here nor there: whoever asks for one of the two does not get it.
test_knows_nothing_of_an_identifier_of_a_wrong_type if {
	every id in [true, false, 1, [revoked], {"id": revoked}] {
		not lacks(earlier, id)
		not has(earlier, id)
	}
}

test_knows_nothing_where_the_bulk_is_not_packed if {
	every value in [null, false, true, 1, ["cccccccccccccccccccccccccccc"], {"cccccccccccccccccccccccccccc": 1}] {
		bulk := {"tokens": {"ab12": value}}
		not lacks(bulk, revoked)
		not has(bulk, revoked)
	}
}

test_an_identifier_that_was_cut_short_is_not_cleared if not lacks(earlier, "ab12ccc")
