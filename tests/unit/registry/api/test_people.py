from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sidecar.consent.pseudonym import Pseudonyms
from tests.registries import NOW_UNIX_S, TOKEN_LIFE_S, pseudonym
from tests.registry_api import serving, told

if TYPE_CHECKING:
    from tests.registries import Opened
    from tests.registry_api import Api

ISSUER = "https://issuer.example"
PSEUDONYMS = Pseudonyms(bytes(32))


async def test_pseudonyms_are_revoked_for_as_long_as_a_token_lives(api: Api) -> None:
    body = {"subjects": [pseudonym(1), pseudonym(2)], "reason": "asked by phone"}
    assert await api.good("POST", "/v1/revocations", body) == {"changed": {"revoked_subject": 2}}
    record = await api.good("GET", f"/v1/revocations/subjects/{pseudonym(1)}")
    assert record["body"] == {"reason": "asked by phone", "until_unix_s": NOW_UNIX_S + TOKEN_LIFE_S}
    data = await api.good("GET", "/v1/data")
    assert data["revocations"] == {"tokens": {}, "subjects": {pseudonym(1): 1, pseudonym(2): 1}}


async def test_a_revocation_is_taken_back(api: Api) -> None:
    await api.good("POST", "/v1/revocations", {"tokens": [pseudonym(1)]})
    path = f"/v1/revocations/tokens/{pseudonym(1)}"
    assert told(await api.ask("DELETE", path))[0] == 428
    assert (await api.ask("DELETE", path, If_Match='"1"')).status_code == 204
    assert (await api.good("GET", "/v1/data"))["revocations"] == {"tokens": {}, "subjects": {}}


async def test_names_become_the_sidecars_pseudonyms(on_file: Opened) -> None:
    async with serving(on_file, pseudonyms=PSEUDONYMS) as api:
        await api.good("POST", "/v1/revocations", {"tokens": [{"issuer": ISSUER, "token_id": "t-1"}]})
        await api.good("POST", "/v1/revocations", {"subjects": [{"issuer": ISSUER, "subject": "p-1"}, pseudonym(1)]})
        await api.good("POST", "/v1/objections", {"subjects": [{"issuer": ISSUER, "subject": "p-2"}]})
        data = await api.good("GET", "/v1/data")
    assert data["revocations"]["tokens"] == {PSEUDONYMS.token_id(ISSUER, "t-1"): 1}
    assert set(data["revocations"]["subjects"]) == {PSEUDONYMS.subject(ISSUER, "p-1"), pseudonym(1)}
    assert set(data["objections"]["subjects"]) == {PSEUDONYMS.subject(ISSUER, "p-2")}


async def test_names_are_never_on_record(on_file: Opened) -> None:
    async with serving(on_file, pseudonyms=PSEUDONYMS) as api:
        await api.good("POST", "/v1/revocations", {"subjects": [{"issuer": ISSUER, "subject": "maria"}]})
        assert "maria" not in (await api.ask("GET", "/v1/history")).text


async def test_without_the_subject_key_names_are_refused_with_the_remedy(api: Api) -> None:
    refused = await api.ask("POST", "/v1/revocations", {"subjects": [{"issuer": ISSUER, "subject": "p"}]})
    remedy = "names become pseudonyms under the sidecars' subject key: start the registry with --subject-key"
    assert told(refused) == (422, [remedy])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"tokens": []},
        {"tokens": [pseudonym(1)], "subjects": [pseudonym(1)]},
        {"tokens": ["abc"]},
        {"tokens": [pseudonym(1).upper().replace("0", "A")]},
        {"tokens": [{"issuer": ISSUER, "subject": "p"}]},
        {"subjects": [{"issuer": ISSUER, "token_id": "t"}]},
        {"subjects": [{"issuer": ISSUER, "subject": "p", "name": "x"}]},
        {"tokens": [pseudonym(1)], "colour": "red"},
        {"tokens": [pseudonym(1)], "until_unix_s": "soon"},
        {"tokens": [1]},
    ],
)
async def test_what_is_not_strict_revokes_nothing(api: Api, body: Any) -> None:
    assert told(await api.ask("POST", "/v1/revocations", body))[0] == 422
    assert (await api.good("GET", "/v1/history"))["items"] == []


async def test_one_wrong_of_many_revokes_none(api: Api) -> None:
    body = {"tokens": [pseudonym(1), "x", pseudonym(2)]}
    assert told(await api.ask("POST", "/v1/revocations", body))[0] == 422
    assert (await api.good("GET", "/v1/revocations/tokens"))["items"] == []
