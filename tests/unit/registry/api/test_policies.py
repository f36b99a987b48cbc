from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from sidecar.policy.compiling import EmbeddedCompiler
from sidecar.policy.examine import Examiner
from tests.keys import verifying_key
from tests.published import GUARD, policy
from tests.registries import NOW_UNIX_S
from tests.registry_api import MODEL, serving, told

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.registries import Opened
    from tests.registry_api import Api

PATH = "/v1/policies"
BUNDLE = "/v1/bundles/policy.tar.gz"


@pytest.fixture
async def taking(on_file: Opened) -> AsyncGenerator[Api]:
    async with serving(on_file, examiner=Examiner(EmbeddedCompiler(), verifying_key())) as made:
        yield made


async def test_a_policy_is_served_as_it_was_published_to_the_byte(taking: Api) -> None:
    content = policy(7)
    published = await taking.ask("POST", PATH, content, "engineer", Content_Type="application/gzip")
    whole = {
        "sequence": 7,
        "revision": "commit-7",
        "digest": hashlib.sha256(content).hexdigest(),
        "published_by": "engineer",
        "published_unix_s": NOW_UNIX_S,
    }
    assert (published.status_code, published.json()) == (201, whole)
    await taking.parts.bundling.refresh()
    served = await taking.ask("GET", BUNDLE, role="engine")
    assert (served.content, served.headers["ETag"]) == (content, f'"{whole["digest"]}"')
    assert await taking.good("GET", PATH) == {"items": [whole]}


async def test_a_sequence_only_rises(taking: Api) -> None:
    await taking.good("POST", PATH, policy(7))
    for other in (policy(7, own=GUARD), policy(6)):
        assert told(await taking.ask("POST", PATH, other))[0] == 409
    await taking.good("POST", PATH, policy(8))
    await taking.parts.bundling.refresh()
    listed = (await taking.good("GET", PATH))["items"]
    assert [each["revision"] for each in listed] == ["commit-8", "commit-7"]
    assert (await taking.ask("GET", BUNDLE)).content == policy(8)


async def test_the_very_same_policy_may_be_published_again(taking: Api) -> None:
    first = await taking.good("POST", PATH, policy(7))
    assert await taking.good("POST", PATH, policy(7), "engineer") == first
    assert await taking.good("GET", PATH) == {"items": [first]}
    assert len((await taking.good("GET", "/v1/history"))["items"]) == 1


async def test_what_is_not_accepted_is_not_stored(taking: Api) -> None:
    status, [problem] = told(await taking.ask("POST", PATH, b"nothing"))
    assert (status, problem.startswith("the bundle is not accepted")) == (422, True)
    assert told(await taking.ask("POST", PATH, policy(7, own=GUARD + "pass if time.now_ns() > 0\n")))[0] == 422
    assert await taking.good("GET", PATH) == {"items": []}


async def test_a_model_keeps_the_guards_that_its_rules_name(taking: Api) -> None:
    await taking.good("POST", PATH, policy(7, own=GUARD + "pass if input.instances > 0\n"))
    await taking.good("PUT", "/v1/models/credit", MODEL | {"rules": {"own": "shadow"}})
    assert told(await taking.ask("POST", PATH, policy(8))) == (409, ["models.credit.rules.own: no guard has this name"])


async def test_without_a_key_to_verify_with_none_is_taken(api: Api) -> None:
    remedy = "this registry takes no policies: start it with --policy-key, the public key of who signs them"
    assert told(await api.ask("POST", PATH, policy(7))) == (403, [remedy])
