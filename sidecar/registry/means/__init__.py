"""Group means out of audit logs: what was released, by group, with evidence that lets another person repeat it.

Belongs here: which logs count and how much of them (`verified`), which of their predictions (`predictions`), what
these come to (`figures`), and the proposal that says it all (`proposal`). Does not: whether a proposal holds
(`store.drift`), asking a registry (`client`). DuckDB is the extra `means`. Imported by `cli` only.
"""
