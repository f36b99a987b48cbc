package guards.explanation.response_test

import data.guards.explanation.response as guard
import data.lib.fixture_test as fixture

denies(call) if {
	not permits(call)
	found := guard.violation with input as call
	fixture.codes(found) == {"explanation_missing"}
}

permits(call) if {
	guard.pass with input as call
}

explained(explanation) := object.union(fixture.response, {"prediction": {"explanation": explanation}})

test_permits_an_explained_prediction if permits(fixture.response)

test_permits_an_explanation_in_words if permits(explained("low income"))

test_denies_none if denies(explained(null))

test_denies_empty_ones if {
	every empty in [{}, [], "", false] { denies(object.union(explained(null), {"prediction": {"explanation": empty}})) }
}

test_denies_a_missing_prediction if denies(object.remove(fixture.response, ["prediction"]))
