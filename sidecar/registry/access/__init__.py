"""Who asks, and what they may do: from an `Authorization` to a `Caller` (`callers`), whose tokens are those of a file
(`token_file`) or of an identity provider (`jwt_tokens`).

Does not belong here: which route asks for which right (`api.guard`). May import `values` and `consent`, not the store.
"""
