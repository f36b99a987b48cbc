# METADATA
# title: Explanation
# description: A prediction that is enforced to be explained comes with its explanation.
# custom:
#   control: E6
#   reasons: [explanation_missing]
package guards.explanation.response

# METADATA
# title: Prediction is explained
# description: The prediction carries an explanation that is not empty.
# custom:
#   control: E6
default pass := false

pass if {
	explanation := input.prediction.explanation
	not explanation in [null, false, "", [], {}]
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
