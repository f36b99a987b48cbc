# METADATA
# title: Credit scoring, response
# description: >-
#   One model's own guard, to copy: the score lies within the model's band around the mean of the
#   applicant's group.
# custom:
#   control: E4
#   reasons: [attribute_missing, score_out_of_band, group_mean_missing, group_unknown]
package guards.credit_scoring.response

# METADATA
# title: Score is in band
# description: One applicant a call, whose score is within the band of the group's mean.
# custom:
#   control: E4
default pass := false

pass if {
	input.instances == 1
	in_band(input.prediction.scores[0])
}

# METADATA
# title: In band
# description: The score is within the band around the mean of the applicant's group.
in_band(score) if {
	score >= mean - data.lib.groups.half_width(mean, data.lib.call.model.band)
	score <= mean + data.lib.groups.half_width(mean, data.lib.call.model.band)
}

# METADATA
# title: Score out of band
# description: The score lies outside; the message does not tell it.
# custom:
#   reasons: [score_out_of_band]
violation contains {
	"code": "score_out_of_band",
	"message": sprintf("the score lies more than %d %% from the mean of its group", [round(data.lib.call.model.band * 100)]),
	"remedy": "Have a credit officer decide this case.",
} if {
	score := input.prediction.scores[0]
	mean
	not in_band(score)
}

violation contains reason if some reason in data.lib.groups.violation

# The mean of the applicant's group, if the group is one that the model's facts list.
mean := data.group_mean[input.endpoint.model][group] if {
	is_number(data.lib.call.model.band)
	input.attributes.groups.status == "present"
	group := input.attributes.groups.value[0]
	data.lib.groups.is_known(group, data.lib.call.model)
	data.lib.groups.has_mean(group)
}
