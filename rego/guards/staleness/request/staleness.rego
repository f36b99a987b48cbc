# METADATA
# title: Staleness
# description: The data that a call rests on is no older than the model allows, and not from the future.
# custom:
#   control: E2
#   reasons: [data_stale, data_in_future]
package guards.staleness.request

# METADATA
# title: Data is fresh
# description: Its deadline has not passed.
# custom:
#   control: E2
default pass := false

pass if input.time.unix_s <= valid_until_unix_s

# METADATA
# title: Staleness deadline
# description: >-
#   When the data reaches the model's max_age_days. Undefined, and so refusing, where the model has no
#   limit, the data no date, or one that lies more than 300 s ahead, by which clocks may differ.
valid_until_unix_s := created_unix_s + (max_age_days * 86400) if {
	created_unix_s := data.lib.call.dataset.created_unix_s
	is_number(created_unix_s)
	created_unix_s <= input.time.unix_s + 300
	max_age_days := data.lib.call.model.max_age_days
	is_number(max_age_days)
}

# METADATA
# title: Data stale
# description: The deadline has passed.
# custom:
#   reasons: [data_stale]
violation contains {
	"code": "data_stale",
	"message": sprintf("data_version %s is %d %s old; %s allows %d", [
		data.lib.call.data_version,
		ceil((input.time.unix_s - data.lib.call.dataset.created_unix_s) / unit.seconds),
		unit.name,
		data.lib.call.model_name,
		floor((data.lib.call.model.max_age_days * 86400) / unit.seconds),
	]),
	"remedy": "Use data that is younger, or refresh this data set.",
} if {
	input.time.unix_s > valid_until_unix_s
	data.lib.call.model.max_age_days >= 0
}

# METADATA
# title: Data in the future
# description: The data was created later than the clocks' difference explains.
# custom:
#   reasons: [data_in_future]
violation contains {
	"code": "data_in_future",
	"message": sprintf("data_version %s is dated %d s in the future", [
		data.lib.call.data_version,
		ceil(data.lib.call.dataset.created_unix_s - input.time.unix_s),
	]),
	"remedy": "Correct created_unix_s of the data set, or the clock of the sidecar's host.",
} if {
	is_number(data.lib.call.dataset.created_unix_s)
	data.lib.call.dataset.created_unix_s > input.time.unix_s + 300
}

violation contains gap if some gap in data.lib.provenance.gap

# A limit under two days is told in hours: "1 days old; allows 0" would explain nothing.
unit := {"name": "days", "seconds": 86400} if {
	data.lib.call.model.max_age_days >= 2
} else := {"name": "hours", "seconds": 3600}
