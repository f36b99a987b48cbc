# METADATA
# title: Credit scoring, request
# description: >-
#   One model's own guard, to copy: the data is no older than max_age_days. It binds only a model whose
#   rules name credit_scoring.
# custom:
#   control: E2
#   reasons: [data_stale]
package guards.credit_scoring.request

# METADATA
# title: Data is recent
# description: The call's data is no older than the model's max_age_days.
# custom:
#   control: E2
default pass := false

pass if input.time.unix_s <= valid_until_unix_s

# METADATA
# title: Deadline of the data
# description: Until when a permit holds by itself; undefined, and so refusing, where a fact is missing.
valid_until_unix_s := data.lib.call.dataset.created_unix_s + (data.lib.call.model.max_age_days * 86400) if {
	is_number(data.lib.call.dataset.created_unix_s)
	is_number(data.lib.call.model.max_age_days)
}

# METADATA
# title: Data stale
# description: The deadline has passed.
# custom:
#   reasons: [data_stale]
violation contains {
	"code": "data_stale",
	"message": sprintf("credit scoring allows data of at most %d days", [floor(data.lib.call.model.max_age_days)]),
	"remedy": "Score with a newer data version.",
} if {
	input.time.unix_s > valid_until_unix_s
	data.lib.call.model.max_age_days >= 0
}

violation contains gap if some gap in data.lib.provenance.gap
