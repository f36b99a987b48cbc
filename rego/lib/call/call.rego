# METADATA
# title: The call under judgement
# description: >-
#   The names and facts of one call. An engine looks each of them up once for all guards. `data` is read before it is
#   indexed by a name: regorus goes through all modules for a reference into `data`, and twice for an indexed one.
package lib.call

# METADATA
# title: Model's name
# description: The model that the call names.
model_name := input.endpoint.model if is_string(input.endpoint.model)

# METADATA
# title: Model's facts
# description: What the data document says of the model; undefined for an unknown model.
model := facts if {
	models := data.models
	facts := models[input.endpoint.model]
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
	input.attributes.data_version.status == "present"
	datasets := data.datasets
	facts := datasets[input.attributes.data_version.value]
	is_object(facts)
}
