# The token's claims where Rego verifies it; KEY_SET, ISSUER and AUDIENCE are filled in.
package bench.consent

claims := payload if {
	token := input.attributes.request.http.headers["x-consent-token"]
	constraints := {"cert": `KEY_SET`, "alg": "RS256", "iss": "ISSUER", "aud": "AUDIENCE"}
	[valid, _, payload] := io.jwt.decode_verify(token, constraints)
	valid
}
