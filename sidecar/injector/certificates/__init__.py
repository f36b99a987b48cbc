"""Certificates of the injector and the registry that nobody has to care for: an authority, and leaves that it signs.

    pem             certificates and keys as the text that Secrets hold
    authority       making them (`cryptography`); lives and names
    plan            what is due at a time: pure, from what the Secrets hold to what they should
    secrets         what an authority or a leaf is in a Secret
    store           where Secrets and webhook configurations live, as a port
    kubernetes_store    the same over Kubernetes' API: the one file that imports its client
    upkeep          one round: read, plan, write, tell the webhook configurations whom to trust

Does not belong here: serving over TLS (`tls_files`, `injector.serving`), certificates that somebody else renews.
Imported by `injector.serving` and `cli`.
"""
