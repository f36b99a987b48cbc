# Generated from the guards of this directory by `sidecar policy compose`, and anew whenever a directory is
# loaded: an edit here is lost, and never decides.

# METADATA
# title: The guards' composition
# description: >-
#   Closed by default. A call is allowed if and only if each required guard of the phase passes, is in
#   mode shadow or off, or has a mitigation. Required: the shipped guards and all that the model's rules
#   name. A guard that is asked whether it passes is asked for its violations only if it does not.
# scope: package
package sidecar

# METADATA
# title: Decision
# description: The judgement of one call in one phase.
# entrypoint: true
default decision := {
	"allow": false,
	"reasons": [{
		"code": "policy_malformed",
		"rule": "sidecar",
		"message": "the policy came to no decision",
		"remedy": "Run `sidecar check` on the policy and its data.",
	}],
	"shadow": [],
	"obligations": [],
	"ttl_s": 0,
}

# Decide first: the list of guards that are not off and do not pass is empty, and nothing else is gathered.
decision := {"allow": true, "reasons": [], "shadow": [], "obligations": [], "ttl_s": 5} if {
	input.phase == "request"
	is_number(input.instances)
	input.instances >= 1
	floor(input.instances) == input.instances
	is_number(input.time.unix_s)
	models := data.models
	rules := models[input.endpoint.model].rules
	is_object(rules)
	object.keys(rules) - {"consent", "credit_scoring", "disparate_impact", "explanation", "fairness_band", "group_mean_band", "provenance", "staleness"} == set()
	[1 | not rules.consent == "off"; not data.guards.consent.request.pass == true] == []
	[1 | rules.credit_scoring != "off"; not data.guards.credit_scoring.request.pass == true] == []
	[1 | not rules.provenance == "off"; not data.guards.provenance.request.pass == true] == []
	[1 | not rules.staleness == "off"; not data.guards.staleness.request.pass == true] == []
	soon_unix_s := input.time.unix_s + 5
	[1 | not rules.consent == "off"; data.guards.consent.request.valid_until_unix_s < soon_unix_s] == []
	[1 | rules.credit_scoring != "off"; data.guards.credit_scoring.request.valid_until_unix_s < soon_unix_s] == []
	[1 | not rules.staleness == "off"; data.guards.staleness.request.valid_until_unix_s < soon_unix_s] == []
} else := {"allow": true, "reasons": [], "shadow": [], "obligations": [], "ttl_s": 0} if {
	input.phase == "response"
	is_number(input.instances)
	input.instances >= 1
	floor(input.instances) == input.instances
	is_number(input.time.unix_s)
	models := data.models
	rules := models[input.endpoint.model].rules
	is_object(rules)
	object.keys(rules) - {"consent", "credit_scoring", "disparate_impact", "explanation", "fairness_band", "group_mean_band", "provenance", "staleness"} == set()
	[1 | rules.credit_scoring != "off"; not data.guards.credit_scoring.response.pass == true] == []
	[1 | not rules.disparate_impact == "off"; not data.guards.disparate_impact.response.pass == true] == []
	[1 | not rules.explanation == "off"; not data.guards.explanation.response.pass == true] == []
	[1 | not rules.fairness_band == "off"; not data.guards.fairness_band.response.pass == true] == []
	[1 | not rules.group_mean_band == "off"; not data.guards.group_mean_band.response.pass == true] == []
} else := {"allow": true, "reasons": [], "shadow": shadow, "obligations": sort(obligations), "ttl_s": ttl_s} if {
	is_sound
	count(refusing) == 0
} else := {"allow": false, "reasons": reasons, "shadow": shadow, "obligations": lasting, "ttl_s": 0} if {
	is_sound
} else := {"allow": false, "reasons": sort(unsound), "shadow": [], "obligations": [], "ttl_s": 0} if {
	count(unsound) > 0
}

# METADATA
# title: Decisions
# description: The decisions of many calls, by their index.
# entrypoint: true
decisions := {i: answer | some i, item in input.items; answer := decision with input as item}

# METADATA
# title: Facts
# description: What the sidecar must learn of models and guards.
# entrypoint: true
facts := {
	"models": models,
	"guards": {
		"consent": ["request"],
		"credit_scoring": ["request", "response"],
		"disparate_impact": ["response"],
		"explanation": ["response"],
		"fairness_band": ["response"],
		"group_mean_band": ["response"],
		"provenance": ["request"],
		"staleness": ["request"],
	},
	"absent": [],
	"bundles": bundles,
}

# METADATA
# title: Models
# description: All models' facts; none where the data document lacks them.
default models := {}

models := data.models

# METADATA
# title: Bundles
# description: What the manifest of each bundle says, by the bundle's name; none in an engine that knows no bundles.
bundles := {name: object.union(told, made) |
	some name, bundle in data.system.bundles
	told := object.filter(bundle.manifest, ["revision", "roots"])
	made := object.filter(object.get(bundle.manifest, "metadata", {}), ["sequence", "created_unix_s"])
}

# METADATA
# title: Modes
# description: What the model's rules say of each guard; a shipped guard that is not named is enforced.
default modes := {}

modes := data.models[input.endpoint.model].rules

# METADATA
# title: Sound question
# description: The input is one that guards can judge, and the model's rules name only guards that exist.
is_sound if {
	has_phase
	has_instances
	has_time
	not lacks_model
	is_object(modes)
	object.keys(modes) - {"consent", "credit_scoring", "disparate_impact", "explanation", "fairness_band", "group_mean_band", "provenance", "staleness"} == set()
}

# METADATA
# title: Unsound question
# description: Why no guard is asked.
unsound contains malformed("sidecar", "the phase is neither request nor response") if not has_phase

unsound contains malformed("sidecar", "instances is not a whole number of at least 1") if not has_instances

unsound contains malformed("sidecar", "the time is not a number") if not has_time

unsound contains malformed("sidecar", "the call names no model") if {
	lacks_model
	not is_named
}

unsound contains {
	"code": "model_unknown",
	"rule": "sidecar",
	"message": sprintf("model %s is not registered", [input.endpoint.model]),
	"remedy": "Register the model's facts under models.",
} if {
	lacks_model
	is_named
}

unsound contains malformed("sidecar", "the model's rules are not an object") if not is_object(modes)

unsound contains malformed(name, sprintf("the model's rules name %s, and no such guard exists", [name])) if {
	is_object(modes)
	some name in (object.keys(modes) - {"consent", "credit_scoring", "disparate_impact", "explanation", "fairness_band", "group_mean_band", "provenance", "staleness"})
}

# METADATA
# title: Has a phase
# description: The call is judged before or after the model.
has_phase if input.phase in {"request", "response"}

# METADATA
# title: Has a time
# description: The call says when it is judged; no rule looks at a clock.
has_time if is_number(input.time.unix_s)

# METADATA
# title: Has instances
# description: The call holds at least one instance, and no part of one.
has_instances if {
	is_number(input.instances)
	input.instances >= 1
	floor(input.instances) == input.instances
}

# METADATA
# title: Lacks a model
# description: After the model no guard asks whether the data document lists it; before, provenance does.
lacks_model if {
	input.phase == "response"
	not is_listed
}

is_listed if is_object(data.models[input.endpoint.model])

is_named if is_string(input.endpoint.model)

# METADATA
# title: Failing guards
# description: The guards of the phase that are required, not off, and do not pass.
failing := request_failing if {
	input.phase == "request"
} else := response_failing

# METADATA
# title: Shadowed guards
# description: Those that fail in mode shadow, which is written exactly so.
shadowed := {name | some name in failing; modes[name] == "shadow"}

# METADATA
# title: Obligations
# description: >-
#   Those of enforced guards that fail and have a mitigation. A guard that fails without a word, as where a
#   limit is missing, found nothing that could be mitigated.
obligations := {obligation |
	some name in (failing - shadowed)
	told(name) != []
	obligation := obligation_of(name, data.models[input.endpoint.model].mitigation[name])
}

# METADATA
# title: Lasting obligations
# description: Those that stay with a refusal; a fallback has nothing to replace there.
lasting := sort([obligation | some obligation in obligations; obligation.type != "fallback"])

# METADATA
# title: Refusing guards
# description: Those that fail, are neither in shadow nor mitigated, and so refuse the call.
refusing := (failing - shadowed) - {obligation.rule | some obligation in obligations}

# METADATA
# title: Obligation
# description: What a guard's mitigation demands. An action that is unknown or incomplete demands nothing, and so refuses.
obligation_of(name, mitigation) := {"type": "flag_review", "rule": name, "reasons": told(name)} if {
	mitigation.action == "flag_review"
}

obligation_of(name, mitigation) := {
	"type": "throttle",
	"rule": name,
	"rate_per_s": mitigation.rate_per_s,
	"hold_s": mitigation.hold_s,
	"reasons": told(name),
} if {
	mitigation.action == "throttle"
	is_number(mitigation.rate_per_s)
	mitigation.rate_per_s > 0
	is_number(mitigation.hold_s)
	mitigation.hold_s > 0
}

obligation_of(name, mitigation) := {"type": "fallback", "rule": name, "outputs": outputs, "reasons": told(name)} if {
	mitigation.action == "fallback"
	not "by" in object.keys(mitigation)
	is_array(mitigation.outputs)
	count(mitigation.outputs) in {1, input.instances}

	# A single output counts for all instances.
	outputs := [mitigation.outputs[min([i, count(mitigation.outputs)]) - 1] | some i in numbers.range(1, input.instances)]
}

obligation_of(name, mitigation) := {
	"type": "fallback",
	"rule": name,
	"by": by,
	"outputs": outputs,
	"reasons": told(name),
} if {
	mitigation.action == "fallback"
	not "outputs" in object.keys(mitigation)
	by := object.get(mitigation, "by", name)
	outputs := fallbacks[by]
	is_array(outputs)
	count(outputs) == input.instances
}

# METADATA
# title: Fallbacks
# description: The decisions that guards compute in place of a prediction, one for each instance; asked only where one is due.
fallbacks["credit_scoring"] := data.guards.credit_scoring.response.fallback

# METADATA
# title: Found reasons
# description: What the failing guards say.
found := request_found if {
	input.phase == "request"
} else := response_found

# METADATA
# title: Reasons
# description: Why the call is refused. Guards that fail without a word are named only if no guard says more.
reasons := explained if {
	count(explained) > 0
} else := sort([silent(name) | some name in refusing])

# METADATA
# title: Explained
# description: What the refusing guards say.
explained := sort([reason | some reason in found; reason.rule in refusing])

# METADATA
# title: Told
# description: The reasons that one guard gave.
told(name) := sort([reason | some reason in found; reason.rule == name])

# METADATA
# title: Shadow
# description: >-
#   What shadowed guards say. Those that fail without a word are named if no guard says anything and none
#   refuses.
shadow := sort([object.remove(reason, ["remedy"]) | some reason in found; reason.rule in shadowed]) if {
	count(found) + count(refusing) > 0
} else := sort([object.remove(silent(name), ["remedy"]) | some name in shadowed])

# METADATA
# title: Time to live
# description: How long a permit holds by itself, at most 5 s; none after the model, which is always asked.
ttl_s := max([0, min(request_remaining_s | {5})]) if {
	input.phase == "request"
} else := 0

# METADATA
# title: Malformed
# description: A reason of the composition's own.
malformed(name, message) := {
	"code": "policy_malformed",
	"rule": name,
	"message": message,
	"remedy": "Run `sidecar check` on the policy and its data.",
}

# METADATA
# title: Silent
# description: A guard fails and does not say why, as where one of its limits is missing.
silent(name) := malformed(name, sprintf("the guard %s fails and gives no reason", [name]))

# METADATA
# title: Reason
# description: A guard's violation in the contract's shape; undefined unless code and message are strings.
reason_of(name, violation) := {
	"code": violation.code,
	"rule": name,
	"message": violation.message,
	"remedy": object.get(violation, "remedy", ""),
} if {
	is_object(violation)
	is_string(violation.code)
	is_string(violation.message)
}

# METADATA
# title: Guards failing in the request
request_failing := union({
	{"consent" | not modes.consent == "off"; not data.guards.consent.request.pass == true},
	{"credit_scoring" | modes.credit_scoring != "off"; not data.guards.credit_scoring.request.pass == true},
	{"provenance" | not modes.provenance == "off"; not data.guards.provenance.request.pass == true},
	{"staleness" | not modes.staleness == "off"; not data.guards.staleness.request.pass == true},
})

# METADATA
# title: Reasons found in the request
request_found := union({
	{reason_of("consent", violation) |
		"consent" in request_failing
		some violation in data.guards.consent.request.violation
	},
	{reason_of("credit_scoring", violation) |
		"credit_scoring" in request_failing
		some violation in data.guards.credit_scoring.request.violation
	},
	{reason_of("provenance", violation) |
		"provenance" in request_failing
		some violation in data.guards.provenance.request.violation
	},
	{reason_of("staleness", violation) |
		"staleness" in request_failing
		some violation in data.guards.staleness.request.violation
	},
})

# METADATA
# title: Guards failing in the response
response_failing := union({
	{"credit_scoring" | modes.credit_scoring != "off"; not data.guards.credit_scoring.response.pass == true},
	{"disparate_impact" | not modes.disparate_impact == "off"; not data.guards.disparate_impact.response.pass == true},
	{"explanation" | not modes.explanation == "off"; not data.guards.explanation.response.pass == true},
	{"fairness_band" | not modes.fairness_band == "off"; not data.guards.fairness_band.response.pass == true},
	{"group_mean_band" | not modes.group_mean_band == "off"; not data.guards.group_mean_band.response.pass == true},
})

# METADATA
# title: Reasons found in the response
response_found := union({
	{reason_of("credit_scoring", violation) |
		"credit_scoring" in response_failing
		some violation in data.guards.credit_scoring.response.violation
	},
	{reason_of("disparate_impact", violation) |
		"disparate_impact" in response_failing
		some violation in data.guards.disparate_impact.response.violation
	},
	{reason_of("explanation", violation) |
		"explanation" in response_failing
		some violation in data.guards.explanation.response.violation
	},
	{reason_of("fairness_band", violation) |
		"fairness_band" in response_failing
		some violation in data.guards.fairness_band.response.violation
	},
	{reason_of("group_mean_band", violation) |
		"group_mean_band" in response_failing
		some violation in data.guards.group_mean_band.response.violation
	},
})

# METADATA
# title: Seconds for which passes in the request hold
request_remaining_s := union({
	{left_s |
		not modes.consent == "off"
		data.guards.consent.request.pass == true
		deadline := data.guards.consent.request.valid_until_unix_s
		is_number(deadline)
		left_s := deadline - input.time.unix_s
	},
	{left_s |
		modes.credit_scoring != "off"
		data.guards.credit_scoring.request.pass == true
		deadline := data.guards.credit_scoring.request.valid_until_unix_s
		is_number(deadline)
		left_s := deadline - input.time.unix_s
	},
	{left_s |
		not modes.staleness == "off"
		data.guards.staleness.request.pass == true
		deadline := data.guards.staleness.request.valid_until_unix_s
		is_number(deadline)
		left_s := deadline - input.time.unix_s
	},
})
