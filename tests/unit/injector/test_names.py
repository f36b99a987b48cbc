from __future__ import annotations

from sidecar.injector import names


def test_every_name_of_a_pods_metadata_is_in_the_domain() -> None:
    words = [names.LABEL_GUARD, names.LABEL_GUARDED, *names.ASKED, *names.WRITTEN]
    assert all(word.startswith(names.PREFIX) for word in words)
    assert len(set(words)) == len(words)


def test_every_volume_is_the_guards() -> None:
    volumes = {value for name, value in vars(names).items() if name.endswith("_VOLUME")}
    assert volumes == set(names.GUARD_VOLUMES)
