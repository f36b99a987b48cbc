# METADATA
# title: What is missing from a call
# description: A name or fact that is missing or of a wrong type is undefined, never a value.
package lib.call_test

import data.lib.call
import data.lib.fixture_test as fixture

# What is defined of the call.
known(question) := facts if {
	facts := {
		"model_name": [name | name := call.model_name],
		"model": [facts | facts := call.model],
		"data_version": [version | version := call.data_version],
		"dataset": [facts | facts := call.dataset],
	} with input as question.input
		with data.models as question.data.models
		with data.datasets as question.data.datasets
}

all_known := {
	"model_name": ["credit"],
	"model": [fixture.models.credit],
	"data_version": ["loans"],
	"dataset": [fixture.datasets.loans],
}

test_names_and_facts_of_a_known_call if known(fixture.asking_request) == all_known

test_undefined_when_it_is_missing[path] if {
	some path, names in {
		"input/endpoint": ["model_name", "model"],
		"input/endpoint/model": ["model_name", "model"],
		"input/attributes": ["data_version", "dataset"],
		"input/attributes/data_version": ["data_version", "dataset"],
		"input/attributes/data_version/status": ["data_version", "dataset"],
		"input/attributes/data_version/value": ["data_version", "dataset"],
		"data/models/credit": ["model"],
		"data/datasets/loans": ["dataset"],
	}
	undefined := {name: [] | some name in names}
	known(fixture.without(fixture.asking_request, path)) == object.union(all_known, undefined)
}

test_undefined_when_the_facts_are_of_a_wrong_type[path] if {
	some path, name in {
		"data/models/credit": "model",
		"data/models": "model",
		"data/datasets/loans": "dataset",
		"data/datasets": "dataset",
	}
	every value in [null, true, 1, "credit", []] {
		known(fixture.with_value(fixture.asking_request, path, value)) == object.union(all_known, {name: []})
	}
}
