# METADATA
# title: The call under judgement
# description: >-
#   The names and facts of one call, for explanations. A guard that decides reads `input` and `data`
#   itself, so that a permit costs no more rules than it needs.
package lib.call

# METADATA
# title: Model's name
# description: The model that the call names.
model_name := input.endpoint.model if is_string(input.endpoint.model)

# METADATA
# title: Model's facts
# description: What the data document says of the model; undefined for an unknown model.
model := facts if {
	facts := data.models[input.endpoint.model]
	is_object(facts)
}

# METADATA
# title: Data version
# description: The data version that the call rests on; undefined unless it is present.
data_version := input.attributes.data_version.value if {
	input.attributes.data_version.status == "present"
	is_string(input.attributes.data_version.value)
}

# METADATA
# title: Data set
# description: What the data document says of the call's data version; undefined for an unknown one.
dataset := facts if {
	facts := data.datasets[data_version]
	is_object(facts)
}
