# METADATA
# title: What provenance leaves unsaid
# description: For guards that need to know the call's data, and can't where provenance does not refuse.
package lib.provenance

# METADATA
# title: Refuses
# description: The guard provenance explains a missing or unknown data version, unless its mode or mitigation lets it pass.
default refuses := true

refuses := false if data.lib.call.model.rules.provenance in {"shadow", "off"}

refuses := false if data.lib.call.model.mitigation.provenance.action in {"flag_review", "throttle", "fallback"}

# METADATA
# title: Gap
# description: >-
#   Why nothing is known of the call's data, for guards that need to know it. Empty while provenance
#   itself refuses: an unknown data version must not drag in every rule that depends on it.
gap contains violation if {
	not refuses
	some violation in data.guards.provenance.request.violation
}
