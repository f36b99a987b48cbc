# What the peers judge: the facts that the shipped guards of the request phase judge, as an author for Envoy's input
# would write them down who wants a permit fast. No explanation of a refusal, no modes.
package envoy.authz

default allow := false

allow if {
	now_unix_s := time.now_ns() / 1000000000
	headers := input.attributes.request.http.headers
	["v2", "models", name, "infer"] = input.parsed_path

	# Provenance: model and data version are known.
	model := data.models[name]
	data_version := headers["x-data-version"]
	dataset := data.datasets[data_version]

	# Staleness: the data is neither too old nor from the future.
	dataset.created_unix_s <= now_unix_s + 300
	now_unix_s <= dataset.created_unix_s + (model.max_age_days * 86400)

	# Consent: a verified token covers what the call and the model need, for this data, and is not revoked.
	claims := data.bench.consent.claims
	scopes := split(claims.scope, " ")
	scope := headers["x-consent-scope"]
	scope in scopes
	every required in model.required_scopes { required in scopes }
	scope in dataset.consent_scopes
	object.get(claims, "data_version", data_version) == data_version
	not data.revocations.tokens[claims.jti]
	not data.revocations.subjects[claims.sub]

	# One token is one person's word: no tensor holds more instances than one.
	every tensor in input.parsed_body.inputs { tensor.shape[0] <= object.get(model, "instances_per_token", 1) }
}
