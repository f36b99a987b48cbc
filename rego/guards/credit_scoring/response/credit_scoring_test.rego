package guards.credit_scoring.response_test

import data.guards.credit_scoring.response as guard
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

scored(scores) := object.union(fixture.response, {"prediction": {"scores": scores}})

test_permits_a_score_in_band if permits(scored([0.55]), fixture.models)

test_denies_a_score_out_of_band if denies(scored([0.56]), {"score_out_of_band"})

test_denies_a_missing_score if denies(scored(null), set())

test_denies_a_missing_group if {
	denies(object.union(fixture.response, {"attributes": {"groups": fixture.missing}}), {"attribute_missing"})
}

test_denies_any_applicants_score_out_of_band if {
	permits(object.union(scored([0.5, 0.55]), {"instances": 2}), fixture.models)
	denies(object.union(scored([0.5, 0.56]), {"instances": 2}), {"score_out_of_band"})
}

test_denies_without_band if not permits(fixture.response, fixture.without_fact("band"))

decided(features, models) := decisions if {
	decisions := guard.fallback with input as object.union(fixture.response, {"prediction": {"features": features}})
		with data.models as models
}

lender := fixture.with_facts({"loan_to_income_max": 3})

test_approves_by_rule_what_is_within_the_limit if {
	decided({"income": [50], "loan_amount": [150]}, lender) == [{"label": "approve"}]
}

test_refers_by_rule_what_is_beyond_the_limit if {
	decided({"income": [50], "loan_amount": [150.01]}, lender) == [{"label": "refer"}]
}

test_decides_by_rule_for_each_applicant if {
	features := {"income": [50, 0, 40], "loan_amount": [10, 1, 120]}
	decided(features, lender) == [{"label": "approve"}, {"label": "refer"}, {"label": "approve"}]
}

test_decides_nothing_without_features if not decided(null, lender)

test_decides_nothing_without_the_limit if not decided({"income": [50], "loan_amount": [150]}, fixture.models)
