package guards.consent.request_test

import data.guards.consent.request as guard
import data.lib.fixture_test as fixture

permits(call, models, revocations) if {
	guard.pass with input as call
		with data.models as models
		with data.datasets as fixture.datasets
		with data.revocations as revocations
}

codes(call, models, revocations) := codes if {
	codes := fixture.codes(guard.violation) with input as call
		with data.models as models
		with data.datasets as fixture.datasets
		with data.revocations as revocations
}

# The call with other facts about its token.
told(consent) := object.union(fixture.request, {"consent": consent})

denies(call, code) if {
	not permits(call, fixture.models, fixture.revocations)
	codes(call, fixture.models, fixture.revocations) == {code}
}

denies_silently(models, revocations) if {
	not permits(fixture.request, models, revocations)
	codes(fixture.request, models, revocations) == set()
}

test_permits_a_token_that_grants_the_scope if permits(fixture.request, fixture.models, fixture.revocations)

test_says_nothing_of_a_permit if codes(fixture.request, fixture.models, fixture.revocations) == set()

test_denies_a_missing_token if denies(object.union(fixture.request, {"consent": {"status": "missing"}}), "consent_missing")

test_denies_an_invalid_token if denies(told({"status": "invalid"}), "consent_invalid")

test_denies_an_expired_token if denies(told({"status": "expired"}), "consent_expired")

test_denies_an_unknown_status if denies(told({"status": "fine"}), "consent_invalid")

test_denies_without_facts_of_a_token if denies(object.remove(fixture.request, ["consent"]), "consent_invalid")

test_denies_a_scope_not_granted if denies(told({"scopes": ["marketing"]}), "consent_scope_mismatch")

test_denies_a_missing_scope if {
	denies(object.union(fixture.request, {"attributes": {"consent_scope": fixture.missing}}), "attribute_missing")
}

test_denies_a_required_scope_not_granted if {
	models := fixture.with_facts({"required_scopes": ["credit_scoring", "profiling"]})
	not permits(fixture.request, models, fixture.revocations)
	codes(fixture.request, models, fixture.revocations) == {"consent_scope_mismatch"}
}

test_denies_data_not_collected_for_the_scope if {
	call := object.union(told({"scopes": ["credit_scoring", "marketing"]}), {"attributes": {"consent_scope": {"value": "marketing"}}})
	denies(call, "consent_scope_mismatch")
}

test_denies_a_token_for_other_data if denies(told({"data_version": "other"}), "consent_data_mismatch")

test_permits_a_token_for_this_data if permits(told({"data_version": "loans"}), fixture.models, fixture.revocations)

test_denies_a_revoked_token if {
	not permits(fixture.request, fixture.models, {"tokens": {"t": {}}, "subjects": {}})
	codes(fixture.request, fixture.models, {"tokens": {"t": {}}, "subjects": {}}) == {"consent_revoked"}
}

test_denies_a_revoked_subject if {
	not permits(fixture.request, fixture.models, {"tokens": {}, "subjects": {"s": {}}})
	codes(fixture.request, fixture.models, {"tokens": {}, "subjects": {"s": {}}}) == {"consent_revoked"}
}

test_denies_without_revocations if denies_silently(fixture.models, {"tokens": {}})

test_denies_revocations_of_a_wrong_type if denies_silently(fixture.models, {"tokens": ["t"], "subjects": {}})

test_denies_without_required_scopes if denies_silently(fixture.without_fact("required_scopes"), fixture.revocations)

test_denies_a_limit_of_a_wrong_type if {
	denies_silently(fixture.with_facts({"instances_per_token": "9"}), fixture.revocations)
}

test_denies_more_instances_than_the_token_covers if {
	denies(object.union(fixture.request, {"instances": 2}), "instances_exceed_consent")
}

test_permits_as_many_instances_as_the_facts_say if {
	call := object.union(fixture.request, {"instances": 2})
	permits(call, fixture.with_facts({"instances_per_token": 2}), fixture.revocations)
}

test_deadline_is_the_tokens_expiry if {
	deadline := guard.valid_until_unix_s with input as fixture.request
	deadline == 1795303600
}
