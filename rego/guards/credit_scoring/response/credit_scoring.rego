# METADATA
# title: Credit scoring, response
# description: >-
#   One model's own guard, to copy: the score lies within the model's band around the mean of the
#   applicant's group. It also says what is decided by rule where no prediction may be released.
# custom:
#   control: E4
#   reasons: [attribute_missing, score_out_of_band, group_mean_missing, group_unknown]
package guards.credit_scoring.response

# METADATA
# title: Score is in band
# description: There is one score for each instance, and each is in the band of its own group.
# custom:
#   control: E4
default pass := false

pass if {
	is_array(input.prediction.scores)
	count(input.prediction.scores) == input.instances
	every i, score in input.prediction.scores { in_band(score, mean_of(i)) }
}

# METADATA
# title: In band
# description: The score is within the band around the mean.
in_band(score, mean) if {
	half_width := data.lib.groups.half_width(mean, data.lib.call.model.band)
	score >= mean - half_width
	score <= mean + half_width
}

# METADATA
# title: Score out of band
# description: How many scores lie outside, never which score.
# custom:
#   reasons: [score_out_of_band]
violation contains {
	"code": "score_out_of_band",
	"message": sprintf("%d of %d scores lie more than %d %% from their group's mean", [
		count(outside),
		count(input.prediction.scores),
		round(data.lib.call.model.band * 100),
	]),
	"remedy": "Have a credit officer decide these cases.",
} if {
	count(outside) > 0
}

violation contains reason if some reason in data.lib.groups.violation

outside contains i if {
	is_array(input.prediction.scores)
	some i, score in input.prediction.scores
	mean := mean_of(i)
	not in_band(score, mean)
}

# The mean of an instance's group, if that is one that the model's facts list. One group counts for all instances.
mean_of(i) := data.group_mean[input.endpoint.model][group] if {
	is_number(data.lib.call.model.band)
	data.lib.call.model.band >= 0
	input.attributes.groups.status == "present"
	named := input.attributes.groups.value
	is_array(named)
	count(named) in {1, input.instances}
	group := named[min([i, count(named) - 1])]
	data.lib.groups.is_known(group, data.lib.call.model)
	data.lib.groups.has_mean(group)
}

# METADATA
# title: Fallback
# description: >-
#   What is decided by rule in the place of a prediction, where the model's mitigation says so: a loan within
#   loan_to_income_max times the income is approved, any other is referred to a person. One decision for each
#   instance, from the features income and loan_amount; undefined, and so refusing, where a limit is missing.
fallback := [{"label": decided(income, input.prediction.features.loan_amount[i], limit)} |
	some i, income in input.prediction.features.income
] if {
	is_array(input.prediction.features.income)
	is_array(input.prediction.features.loan_amount)
	limit := data.lib.call.model.loan_to_income_max
	is_number(limit)
}

# METADATA
# title: Decided by rule
# description: Approve or refer; undefined for amounts that are none, so that the instance has no decision.
decided(income, loan, limit) := "approve" if {
	are_amounts(income, loan)
	loan <= income * limit
} else := "refer" if {
	are_amounts(income, loan)
}

are_amounts(income, loan) if {
	is_number(income)
	is_number(loan)
	income >= 0
	loan >= 0
}
