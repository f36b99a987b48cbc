from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson
import pytest

from sidecar.policy.bundled.layers import Layer, Layers
from sidecar.policy.problems import PolicyProblems
from tests.bindings import FORK, only

if TYPE_CHECKING:
    from sidecar.policy.binding import Regorus

pytestmark = pytest.mark.anyio

MODULES = {"p.rego": 'package sidecar\n\nfacts := data.d\n\nbundles := data["system"].bundles\n'}
BULK = Layer("bulk", ('{"d": {"bulk": 1}}', '{"d": {"more": 1}}'))
TOP = '{"system": {"bundles": {"b": 1}}}'


def small(number: int) -> Layer:
    return Layer(f"small-{number}", (f'{{"d": {{"small": {number}}}}}',))


def facts(regorus: Regorus, rule: str = "facts") -> object:
    regorus.engine.set_input_json("{}")
    return orjson.loads(regorus.engine.eval_rule_as_json(f"data.sidecar.{rule}"))


async def test_all_layers_are_in_the_engine() -> None:
    regorus = await Layers().engine(MODULES, [BULK, small(1)], TOP)
    assert facts(regorus) == {"bulk": 1, "more": 1, "small": 1}
    assert facts(regorus, "bundles") == {"b": 1}


async def test_a_change_leaves_what_is_below_it_and_the_former_engine_alone() -> None:
    layers = Layers()
    first = await layers.engine(MODULES, [BULK, small(1)], TOP)
    below = [regorus for _, regorus in layers._made[:2]]
    second = await layers.engine(MODULES, [BULK, small(2)], '{"system": {"bundles": {"b": 2}}}')
    assert [regorus for _, regorus in layers._made[:2]] == below
    assert (facts(first), facts(second)) == (
        {"bulk": 1, "more": 1, "small": 1},
        {"bulk": 1, "more": 1, "small": 2},
    )
    assert (facts(first, "bundles"), facts(second, "bundles")) == ({"b": 1}, {"b": 2})


async def test_other_modules_make_all_of_it_anew() -> None:
    layers = Layers()
    await layers.engine(MODULES, [BULK], TOP)
    other = {"p.rego": 'package sidecar\n\nfacts := "other"\n'}
    assert facts(await layers.engine(other, [BULK], TOP)) == "other"


@pytest.mark.parametrize(
    ("modules", "told"),
    [
        ({"p.rego": "package sidecar\n\nfacts := {\n"}, "p.rego"),
        ({"p.rego": "package sidecar\n\nfacts := time.now_ns()\n"}, "time.now_ns"),
        ({"p.rego": "package sidecar\n\nfacts := x\n\nx := facts\n"}, "sidecar.x depends on itself"),
    ],
)
async def test_modules_that_opa_would_not_compile_are_refused_and_what_was_made_is_kept(
    modules: dict[str, str], told: str
) -> None:
    layers = Layers()
    await layers.engine(MODULES, [BULK], TOP)
    made = layers._made
    with pytest.raises(PolicyProblems, match=told):
        await layers.engine(modules, [BULK], TOP)
    assert layers._made is made


async def test_data_that_contradicts_other_data_is_refused() -> None:
    with pytest.raises(PolicyProblems):
        await Layers().engine(MODULES, [BULK, Layer("x", ('{"d": {"bulk": 2}}',))], TOP)


async def test_others_have_their_turn_between_two_slices() -> None:
    """Of an engine that belongs to the loop's thread; another's slices are another thread's."""
    with only(FORK):
        assert await turns_while_fifty_slices_are_taken() >= 50


async def turns_while_fifty_slices_are_taken() -> int:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    layers = Layers()
    await layers.engine(MODULES, [], TOP)
    counting = asyncio.create_task(count())
    await layers.engine(MODULES, [Layer("many", tuple(f'{{"d": {{"{n}": {n}}}}}' for n in range(50)))], TOP)
    counting.cancel()
    return turns
