# METADATA
# title: Fairness band
# description: >-
#   Each score lies within the band around its group's mean: group_mean × (1 ± band). On a model that
#   tells individuals apart this refuses most honest predictions; shadow it before enforcing it.
# custom:
#   control: E4
#   reasons: [attribute_missing, score_out_of_band, group_mean_missing, group_unknown]
package guards.fairness_band.response

# METADATA
# title: Scores are in band
# description: There is one score for each instance, and each is in its group's band or its group is skipped.
# custom:
#   control: E4
default pass := false

pass if {
	model := data.lib.call.model
	is_number(model.band)
	model.band >= 0
	is_array(model.groups)
	scores := input.prediction.scores

	# What has a first is a list, and not empty.
	scores[0]
	count(scores) == input.instances
	input.attributes.groups.status == "present"
	named := input.attributes.groups.value
	named[0]
	count(named) in {1, input.instances}
	of_models := data.group_mean
	means := of_models[input.endpoint.model]

	# A single group counts for all instances.
	last := count(named) - 1
	every i, score in scores { in_band(score, named[min([i, last])], model, means) }
}

# METADATA
# title: In band
# description: The score is within its group's band, or its group is skipped.
in_band(score, group, model, means) if {
	group in model.groups
	mean := means[group]
	is_number(mean)
	half_width := data.lib.groups.half_width(mean, model.band)
	score >= mean - half_width
	score <= mean + half_width
} else if data.lib.groups.is_skipped(group, model)

# METADATA
# title: Score out of band
# description: How many scores lie outside, never which score.
# custom:
#   reasons: [score_out_of_band]
violation contains {
	"code": "score_out_of_band",
	"message": sprintf("%d of %d scores lie outside the band of %d %% around their group's mean", [
		count(outside),
		count(input.prediction.scores),
		round(data.models[input.endpoint.model].band * 100),
	]),
	"remedy": "Have the case judged by a person, or review the model and its group means.",
} if {
	count(outside) > 0
}

violation contains reason if some reason in data.lib.groups.violation

outside contains i if {
	model := data.lib.call.model
	is_number(model.band)
	model.band >= 0
	is_array(model.groups)
	input.attributes.groups.status == "present"
	named := input.attributes.groups.value
	is_array(named)
	is_array(input.prediction.scores)
	some i, score in input.prediction.scores
	group := named[min([i, count(named) - 1])]
	data.lib.groups.has_mean(group)
	not group in data.lib.groups.unknown
	not in_band(score, group, model, data.group_mean[input.endpoint.model])
}
