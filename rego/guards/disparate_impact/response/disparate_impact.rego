# METADATA
# title: Disparate impact
# description: >-
#   It is not certain that the ratio of the groups' positive rates exceeded disparate_impact_max in this
#   epoch. The sidecar's window decides what is certain, with the model's limit.
# custom:
#   control: E5
#   reasons: [disparate_impact]
package guards.disparate_impact.response

# METADATA
# title: No certain disparate impact
# description: The model has a limit, and the window holds too little or is not certain that it was exceeded.
# custom:
#   control: E5
default pass := false

pass if {
	input.window.state == "insufficient_data"
	is_number(data.lib.call.model.disparate_impact_max)
} else if {
	input.window.state in {"ok", "degraded"}
	is_number(data.lib.call.model.disparate_impact_max)
	input.window.disparate_impact.certain == false
}

# METADATA
# title: Disparate impact
# description: The ratio exceeded the limit.
# custom:
#   reasons: [disparate_impact]
violation contains {
	"code": "disparate_impact",
	"message": sprintf("positive predictions favour one group beyond the limit of %d %% of the other's rate", [limit_percent]),
	"remedy": "Review the model's outcomes by group before it is used further.",
} if {
	limit := data.models[input.endpoint.model].disparate_impact_max
	is_number(limit)
	limit_percent := round(limit * 100)
	input.window.disparate_impact.certain == true
	input.window.state != "insufficient_data"
}
