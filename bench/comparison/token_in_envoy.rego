# The token's claims where Envoy's filter jwt_authn verified it.
package bench.consent

claims := input.attributes.metadataContext.filterMetadata["envoy.filters.http.jwt_authn"].consent
