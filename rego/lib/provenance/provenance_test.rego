package lib.provenance_test

import data.lib.fixture_test as fixture
import data.lib.provenance

call := object.union(fixture.request, {"attributes": {"data_version": fixture.missing}})

codes(facts) := codes if {
	codes := fixture.codes(provenance.gap) with input as call
		with data.models as fixture.with_facts(facts)
		with data.datasets as fixture.datasets
}

test_no_gap_while_provenance_refuses if {
	codes({}) == set()
	codes({"rules": {"provenance": "Shadow"}}) == set()
	codes({"mitigation": {"provenance": {"action": "deny"}}}) == set()
}

test_gap_where_provenance_lets_pass if {
	codes({"rules": {"provenance": "shadow"}}) == {"attribute_missing"}
	codes({"rules": {"provenance": "off"}}) == {"attribute_missing"}
	codes({"mitigation": {"provenance": {"action": "flag_review"}}}) == {"attribute_missing"}
}
