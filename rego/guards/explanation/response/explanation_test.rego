package guards.explanation.response_test

import data.guards.explanation.response as guard
import data.lib.fixture_test as fixture

denies(call, models) if {
	not permits(call, models)
	found := guard.violation with input as call with data.models as models
	fixture.codes(found) == {"explanation_missing"}
}

permits(call, models) if {
	guard.pass with input as call with data.models as models
}

explained(explanation) := object.union(fixture.response, {"prediction": {"explanation": explanation}})

asked(required) := object.union(explained(null), {"attributes": {"explanation": {"required": required}}})

tier(name) := fixture.with_facts({"risk_tier": name})

test_permits_an_explained_prediction if permits(fixture.response, tier("high"))

test_permits_an_explanation_in_words if permits(explained("low income"), tier("high"))

test_permits_none_where_the_tier_is_below_high[name] if {
	some name in ["minimal", "low", "limited", "medium"]
	permits(asked(false), tier(name))
}

test_denies_none_where_the_tier_is_high if denies(asked(false), tier("high"))

test_denies_none_where_the_tier_is_missing if denies(asked(false), fixture.without_fact("risk_tier"))

test_denies_none_where_the_caller_asked if denies(asked(true), tier("low"))

test_permits_what_the_caller_asked_for if {
	call := object.union(fixture.response, {"attributes": {"explanation": {"required": true}}})
	permits(call, tier("low"))
}

test_denies_empty_ones if {
	every empty in [{}, [], "", false] {
		denies(object.union(explained(null), {"prediction": {"explanation": empty}}), tier("high"))
	}
}

test_denies_a_missing_prediction if denies(object.remove(fixture.response, ["prediction"]), tier("high"))
