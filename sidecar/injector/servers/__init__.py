"""What is known of each kind of model server, a file each.

    server      the form of that knowledge: how a server is recognised, on which ports it listens, how it is bound
    catalogue   all kinds, and which of them a container runs

Belongs here: facts about model servers, each with its source. Does not belong here: pods beyond one container.
Imported by the rest of `injector`.
"""
