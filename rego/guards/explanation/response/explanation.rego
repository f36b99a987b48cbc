# METADATA
# title: Explanation
# description: >-
#   A prediction comes with its explanation where the model's risk_tier is high, or the caller asked for one.
#   A tier that is missing, or none of those named here, counts as high.
# custom:
#   control: E6
#   reasons: [explanation_missing]
package guards.explanation.response

# METADATA
# title: Prediction is explained
# description: The prediction carries an explanation that is not empty, or need not carry one.
# custom:
#   control: E6
default pass := false

pass if {
	explanation := input.prediction.explanation
	not explanation in [null, false, "", [], {}]
} else if {
	data.lib.call.model.risk_tier in {"minimal", "low", "limited", "medium"}
	input.attributes.explanation.required == false
}

# METADATA
# title: Explanation missing
# description: The prediction carries none, or an empty one.
# custom:
#   reasons: [explanation_missing]
violation contains {
	"code": "explanation_missing",
	"message": "the prediction comes without an explanation",
	"remedy": "Serve explanations with the model, or have the case judged by a person.",
} if {
	not pass
}
