# METADATA
# title: Provenance
# description: Every call names the version of the data it rests on, and both model and version are known.
# custom:
#   control: E1
#   reasons: [attribute_missing, data_version_unknown, model_unknown]
package guards.provenance.request

# METADATA
# title: Provenance is known
# description: Model and data version are both in the data document.
# custom:
#   control: E1
default pass := false

pass if {
	data.lib.call.dataset
	data.lib.call.model
}

# METADATA
# title: Data version missing
# description: The call names no data version.
# custom:
#   reasons: [attribute_missing]
violation contains {
	"code": "attribute_missing",
	"message": "the call names no data_version",
	"remedy": "Send X-Data-Version, or the parameter data_version.",
} if {
	not data.lib.call.data_version
}

# METADATA
# title: Data version unknown
# description: The data document does not list the data version.
# custom:
#   reasons: [data_version_unknown]
violation contains {
	"code": "data_version_unknown",
	"message": sprintf("data_version %s is not registered", [data.lib.call.data_version]),
	"remedy": "Register the data version under datasets, or use one that is registered.",
} if {
	not data.lib.call.dataset
}

# METADATA
# title: Model unknown
# description: The data document does not list the model.
# custom:
#   reasons: [model_unknown]
violation contains {
	"code": "model_unknown",
	"message": sprintf("model %s is not registered", [data.lib.call.model_name]),
	"remedy": "Register the model's facts under models.",
} if {
	not data.lib.call.model
}
