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
