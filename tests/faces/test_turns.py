"""Turns at heavy work: how many are at it, how many wait, and what the others are told."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcast.faces.turns import Crowded, Turns

FEW = st.integers(0, 6)


@given(at_once=st.integers(1, 4), waiting=FEW, asking=st.integers(0, 20), breaking=FEW)
def test_no_more_than_were_said_are_at_it_or_wait_and_a_turn_that_broke_is_given_back(
    at_once, waiting, asking, breaking
):
    async def played() -> tuple[int, list[BaseException | None]]:
        turns, here, most = Turns("files", at_once=at_once, waiting=waiting), 0, 0

        async def one(number: int) -> None:
            nonlocal here, most
            async with turns.taken():
                here, most = here + 1, max(most, here + 1)
                await asyncio.sleep(0)
                here -= 1
                if number < breaking:
                    raise KeyError(number)

        told = await asyncio.gather(*map(one, range(asking)), return_exceptions=True)
        async with turns.taken():  # whatever became of them
            return most, told

    most, told = asyncio.run(played())
    assert most == min(at_once, asking)
    assert sum(isinstance(one, Crowded) for one in told) == max(0, asking - at_once - waiting)


def test_whoever_is_one_too_many_is_told_when_to_come_again():
    async def refused() -> None:
        turns = Turns("files", at_once=1, waiting=0)
        async with turns.taken(), turns.taken():
            pass

    with pytest.raises(Crowded, match="ask again in 5 seconds") as told:
        asyncio.run(refused())
    assert told.value.headers == {"Retry-After": "5"}
