# METADATA
# title: Group-mean band
# description: >-
#   The live window's mean score of each of the call's own groups lies within the band around the
#   group's mean in the data document. Judged on the window's bounds: a mean is out of band when its
#   whole confidence interval is.
# custom:
#   control: E4
#   reasons: [attribute_missing, group_mean_out_of_band, group_mean_missing, group_unknown]
package guards.group_mean_band.response

# METADATA
# title: Live means are in band
# description: The window holds too little to judge, or each group's live mean may lie in its band.
# custom:
#   control: E4
default pass := false

pass if {
	input.window.state == "insufficient_data"
	band := data.lib.call.model.band
	is_number(band)
	band >= 0
} else if {
	input.window.state in {"ok", "degraded"}
	model := data.lib.call.model
	is_number(model.band)
	model.band >= 0
	is_array(model.groups)
	input.attributes.groups.status == "present"
	named := input.attributes.groups.value

	# What has a first is a list, and not empty: of no group at all, everything holds.
	named[0]
	of_models := data.group_mean
	means := of_models[input.endpoint.model]
	every group in named { in_band(group, model, means) }
}

# METADATA
# title: In band
# description: The group's live mean may lie in its band, or the window has not seen the group, or it is skipped.
in_band(group, model, means) if {
	group in model.groups
	mean := means[group]
	is_number(mean)
	live := input.window.groups[group]
	is_number(live.mean_lower)
	is_number(live.mean_upper)
	half_width := data.lib.groups.half_width(mean, model.band)
	live.mean_lower <= mean + half_width
	live.mean_upper >= mean - half_width
} else if {
	group in model.groups
	is_number(means[group])
	is_object(input.window.groups)

	# Not `not`: a group that is there and false has been seen.
	[seen | seen := input.window.groups[group]] == []
} else if data.lib.groups.is_skipped(group, model)

# METADATA
# title: Live mean out of band
# description: How many of the call's groups drifted, and by which limit.
# custom:
#   reasons: [group_mean_out_of_band]
violation contains {
	"code": "group_mean_out_of_band",
	"message": sprintf("the live mean score of %d of the call's groups left the band of %d %%", [
		count(outside),
		round(data.models[input.endpoint.model].band * 100),
	]),
	"remedy": "Review the model for drift; change group_mean only through a proposal with evidence.",
} if {
	count(outside) > 0
}

violation contains reason if {
	input.window.state in {"ok", "degraded"}
	some reason in data.lib.groups.violation
}

outside contains group if {
	input.window.state in {"ok", "degraded"}
	model := data.lib.call.model
	is_number(model.band)
	model.band >= 0
	some group in data.lib.groups.named
	data.lib.groups.is_known(group, model)
	data.lib.groups.has_mean(group)
	is_number(input.window.groups[group].mean_lower)
	is_number(input.window.groups[group].mean_upper)
	not in_band(group, model, data.group_mean[input.endpoint.model])
}
