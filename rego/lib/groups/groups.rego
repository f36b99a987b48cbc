# METADATA
# title: Protected groups
# description: The band around a group's mean, and which groups can be judged by it.
package lib.groups

# METADATA
# title: Known group
# description: The model's facts list the group.
is_known(group, model) if {
	is_array(model.groups)
	group in model.groups
}

# METADATA
# title: Skipped group
# description: >-
#   A group that the facts do not list escapes the band where they say so, but never where the caller
#   names its own group: any invented one would escape. Without a list no group is outside it.
is_skipped(group, model) if {
	model.unknown_group == "skip_band"
	is_string(group)
	is_array(model.groups)
	not group in model.groups
	is_vouched_for(model.read.group)
	is_vouched_for(input.attributes.groups.source)
}

# METADATA
# title: Source that is vouched for
# description: Somebody other than the caller says what comes from there.
is_vouched_for(source) if {
	is_string(source)
	not startswith(lower(source), "header:")
}

# METADATA
# title: Half width of a band
# description: >-
#   How far from its mean a group's band reaches. The last term is no limit: the two engines round
#   differently in the last digits, and a value on the edge is within the band for both.
half_width(mean, band) := abs(mean * band) + 0.000000001

# METADATA
# title: Groups of the call
# description: The groups named by the call, each once.
named contains group if {
	input.attributes.groups.status == "present"
	is_array(input.attributes.groups.value)
	some group in input.attributes.groups.value
}

# METADATA
# title: No groups
# description: The call names no group, or an empty list of them.
names_none if not is_present

names_none if input.attributes.groups.value == []

is_present if input.attributes.groups.status == "present"

# METADATA
# title: Unknown groups
# description: Groups that the facts neither list nor let escape; none where they list nothing.
unknown contains group if {
	model := data.lib.call.model
	is_array(model.groups)
	some group in named
	not is_known(group, model)
	not is_skipped(group, model)
}

# METADATA
# title: Group with a mean
# description: The data document holds the group's mean for the model.
has_mean(group) if is_number(data.group_mean[input.endpoint.model][group])

# METADATA
# title: Groups without a mean
# description: Listed groups for which the data document holds no mean.
without_mean contains group if {
	some group in named
	is_known(group, data.lib.call.model)
	not has_mean(group)
}

# METADATA
# title: Violations of any band
# description: What every guard that judges by group says of groups it can't judge.
violation contains {
	"code": "attribute_missing",
	"message": "the call names no protected group",
	"remedy": "Name the group in the source that the model's facts give in read.group.",
} if {
	names_none
}

violation contains {
	"code": "group_unknown",
	"message": sprintf("%d of the call's groups are not among the groups of model %s", [count(unknown), input.endpoint.model]),
	"remedy": "Use a group that the model's facts list, or add it to them with its mean.",
} if {
	count(unknown) > 0
}

violation contains {
	"code": "group_mean_missing",
	"message": sprintf("%d of the call's groups have no mean for model %s", [count(without_mean), input.endpoint.model]),
	"remedy": "Add the group's mean to group_mean in the data document.",
} if {
	count(without_mean) > 0
}
