package lib.call_test

import data.lib.call
import data.lib.fixture_test as fixture

test_facts_of_a_known_call if {
	call.model.band == 0.1 with input as fixture.request with data.models as fixture.models
	call.data_version == "loans" with input as fixture.request
	call.dataset.created_unix_s == 1795200000 with input as fixture.request with data.datasets as fixture.datasets
}

test_nothing_of_an_unknown_model if {
	not call.model with input as {"endpoint": {"model": "other"}} with data.models as fixture.models
	not call.model with input as {} with data.models as fixture.models
}

test_nothing_of_a_version_that_is_not_present if {
	conflict := {"attributes": {"data_version": {"value": "loans", "status": "conflict"}}}
	not call.data_version with input as conflict
	not call.dataset with input as conflict with data.datasets as fixture.datasets
}

test_nothing_of_facts_that_are_no_object if {
	not call.model with input as fixture.request with data.models as {"credit": true}
	not call.dataset with input as fixture.request with data.datasets as {"loans": 1}
}
