# METADATA
# title: Consent
# description: >-
#   A verified token grants the scope that the call uses the data for and the scopes that the model
#   requires; the data was collected for that scope; neither token nor subject has been revoked.
# custom:
#   control: E3
#   reasons:
#     - attribute_missing
#     - consent_missing
#     - consent_invalid
#     - consent_expired
#     - consent_scope_mismatch
#     - consent_data_mismatch
#     - consent_revoked
#     - instances_exceed_consent
package guards.consent.request

# METADATA
# title: Consent is given
# description: Every condition of the token holds for this call.
# custom:
#   control: E3
default pass := false

pass if {
	consent := input.consent
	consent.status == "valid"
	input.attributes.consent_scope.status == "present"

	scope := input.attributes.consent_scope.value
	is_array(consent.scopes)
	scope in consent.scopes
	model := data.lib.call.model
	is_array(model.required_scopes)
	every required in model.required_scopes { required in consent.scopes }

	collected_for := data.lib.call.dataset.consent_scopes
	is_array(collected_for)
	scope in collected_for
	consent.data_version in {null, input.attributes.data_version.value}

	limit := object.get(model, "instances_per_token", 1)
	is_number(limit)
	input.instances <= limit

	# Named first: the key of a token that is not there must not read as one that is not revoked. Without a jti
	# it is null, and the token is revoked by its subject.
	token_id := consent.token_id
	type_name(token_id) in {"string", "null"}
	subject := consent.subject
	is_string(subject)
	revocations := data.revocations
	is_object(revocations.tokens)
	is_object(revocations.subjects)

	# Not `not`: an entry revokes whatever its value, and one that is false would read as none.
	[entry | entry := revocations.tokens[token_id]] == []
	[entry | entry := revocations.subjects[subject]] == []

	# Where revocations come in two tiers, the bulk too. Asked only then, so that others need not pay for it.
	[tier | some name in ["after", "earlier"]; tier := revocations[name]; not is_clear_of_the_bulk] == []
}

# METADATA
# title: Consent deadline
# description: When the token expires.
valid_until_unix_s := input.consent.expires_unix_s

# METADATA
# title: Consent missing
# description: The call carries no consent token, or the sidecar was told to ignore tokens.
# custom:
#   reasons: [consent_missing]
violation contains {
	"code": "consent_missing",
	"message": "the call carries no consent token",
	"remedy": "Send the person's consent token in X-Consent-Token.",
} if {
	input.consent.status in {"missing", "off"}
}

# METADATA
# title: Consent expired
# description: The token's time is over.
# custom:
#   reasons: [consent_expired]
violation contains {
	"code": "consent_expired",
	"message": "the consent token has expired",
	"remedy": "Ask the issuer for a new consent token.",
} if {
	input.consent.status == "expired"
}

# METADATA
# title: Consent invalid
# description: The token could not be verified. Any other status counts as invalid.
# custom:
#   reasons: [consent_invalid]
violation contains {
	"code": "consent_invalid",
	"message": "the consent token could not be verified",
	"remedy": "Send a token signed by a trusted issuer for this audience.",
} if {
	not is_told
}

# METADATA
# title: Consent scope missing
# description: The call does not say what it uses the data for.
# custom:
#   reasons: [attribute_missing]
violation contains {
	"code": "attribute_missing",
	"message": "the call names no consent_scope",
	"remedy": "Send X-Consent-Scope, or the parameter consent_scope.",
} if {
	not names_scope
}

# METADATA
# title: Scope not granted
# description: The token grants less than the call and the model need.
# custom:
#   reasons: [consent_scope_mismatch]
violation contains {
	"code": "consent_scope_mismatch",
	"message": sprintf("the consent token does not grant %s", [concat(", ", missing_scopes)]),
	"remedy": "Ask the person for a token that grants these scopes, or call for a scope it grants.",
} if {
	input.consent.status == "valid"
	count(missing_scopes) > 0
}

# METADATA
# title: Data not collected for the scope
# description: The data set may not be used for the call's scope.
# custom:
#   reasons: [consent_scope_mismatch]
violation contains {
	"code": "consent_scope_mismatch",
	"message": sprintf("data_version %s may not be used for %s", [data.lib.call.data_version, scope]),
	"remedy": "Use data that was collected for this scope.",
} if {
	data.lib.call.dataset
	not is_collected_for_scope
}

# METADATA
# title: Consent for other data
# description: The token is bound to another data version.
# custom:
#   reasons: [consent_data_mismatch]
violation contains {
	"code": "consent_data_mismatch",
	"message": sprintf("the consent token is for other data than data_version %s", [data.lib.call.data_version]),
	"remedy": "Use the data version that the token names, or a token for this one.",
} if {
	input.consent.status == "valid"
	not is_for_data
}

# METADATA
# title: Consent revoked
# description: The token or its subject has been revoked.
# custom:
#   reasons: [consent_revoked]
violation contains {
	"code": "consent_revoked",
	"message": "the consent has been revoked",
	"remedy": "Stop using this person's data, or ask for consent anew.",
} if {
	is_revoked
}

# METADATA
# title: Too many instances for one token
# description: One token is one person's word.
# custom:
#   reasons: [instances_exceed_consent]
violation contains {
	"code": "instances_exceed_consent",
	"message": sprintf("the call holds %d instances; one token covers %d", [round(input.instances), floor(limit)]),
	"remedy": "Send one call for each person, with that person's token.",
} if {
	input.consent.status == "valid"
	limit := object.get(data.lib.call.model, "instances_per_token", 1)
	is_number(limit)
	limit >= 0
	input.instances > limit
}

violation contains gap if some gap in data.lib.provenance.gap

names_scope if input.attributes.consent_scope.status == "present"

scope := input.attributes.consent_scope.value if {
	names_scope
	is_string(input.attributes.consent_scope.value)
}

needed_scopes contains scope

needed_scopes contains required if {
	is_array(data.lib.call.model.required_scopes)
	some required in data.lib.call.model.required_scopes
	is_string(required)
}

missing_scopes := needed_scopes - {granted |
	is_array(input.consent.scopes)
	some granted in input.consent.scopes
}

is_told if input.consent.status in {"valid", "missing", "off", "expired"}

is_collected_for_scope if {
	is_array(data.lib.call.dataset.consent_scopes)
	scope in data.lib.call.dataset.consent_scopes
}

is_for_data if input.consent.data_version in {null, data.lib.call.data_version}

is_revoked if [entry | entry := data.revocations.tokens[input.consent.token_id]] != []

is_revoked if [entry | entry := data.revocations.subjects[input.consent.subject]] != []

is_clear_of_the_bulk if {
	data.lib.revocations.is_complete
	data.lib.revocations.lacks("tokens", input.consent.token_id)
	data.lib.revocations.lacks("subjects", input.consent.subject)
}

is_revoked if data.lib.revocations.has("tokens", input.consent.token_id)

is_revoked if data.lib.revocations.has("subjects", input.consent.subject)
