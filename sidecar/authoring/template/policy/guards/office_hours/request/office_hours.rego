# METADATA
# title: Office hours
# description: A model is asked only in those hours of the day, UTC, in which somebody is there to answer for it.
# custom:
#   control: OPS-1
#   reasons: [outside_hours]
package guards.office_hours.request

# METADATA
# title: Within the hours
# description: The call comes from the first hour on and before the last. Refuses where the model has no hours.
default pass := false

pass if {
	is_number(hours.first)
	is_number(hours.last)
	hour >= hours.first
	hour < hours.last
}

# METADATA
# title: End of the hours
# description: A permit is not kept beyond the last hour of the call's day.
valid_until_unix_s := ((floor(input.time.unix_s / 86400) * 24) + hours.last) * 3600 if is_number(hours.last)

# METADATA
# title: Outside the hours
# description: The call comes too early or too late in the day.
# custom:
#   reasons: [outside_hours]
violation contains {
	"code": "outside_hours",
	"message": sprintf("model %s serves from %d to %d o'clock UTC", [
		data.lib.call.model_name,
		floor(hours.first),
		floor(hours.last),
	]),
	"remedy": "Call again within these hours.",
} if {
	is_number(hours.first)
	is_number(hours.last)
	not is_within
}

hours := data.models[input.endpoint.model].hours_utc

hour := floor(input.time.unix_s / 3600) % 24

is_within if {
	hour >= hours.first
	hour < hours.last
}
