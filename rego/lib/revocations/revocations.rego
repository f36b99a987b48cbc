# METADATA
# title: Revocations of earlier
# description: >-
#   Where revocations are many they come in two tiers. `revocations.tokens` and `.subjects` have those of late, an
#   entry each. The bulk is packed in `revocations.earlier`: under the first four digits of an identifier stand the
#   next 28 of each that begins so, in one string with spaces between. `revocations.after` is the number of the bulk
#   from which the first tier goes on. A data file has neither, and all its revocations in the first tier.
package lib.revocations

# METADATA
# title: Complete
# description: The bulk is there, and no revocation can be missing between it and those of late.
is_complete if {
	earlier := data.revocations.earlier
	is_number(earlier.number)
	is_object(earlier.tokens)
	is_object(earlier.subjects)

	# Not `not`: a number that is false would read as none.
	every after in [after | after := data.revocations.after] {
		is_number(after)
		earlier.number >= after
	}
}

# METADATA
# title: Lacks
# description: >-
#   The bulk does not revoke the identifier, null being none. `part` is `tokens` or `subjects`. Undefined where what
#   is to be searched is no string.
lacks(_, id) if id == null

lacks(part, id) if {
	is_string(id)
	every packed in [packed | packed := data.revocations.earlier[part][substring(id, 0, 4)]] {
		is_string(packed)
		not contains(packed, substring(id, 4, 28))
	}
}

# METADATA
# title: Has
# description: The bulk revokes the identifier.
has(part, id) if {
	is_string(id)
	packed := data.revocations.earlier[part][substring(id, 0, 4)]
	is_string(packed)
	contains(packed, substring(id, 4, 28))
}
