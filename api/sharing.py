"""Writes that share their commit with what others write at the same moment."""

from collections.abc import Callable
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from api.services import Services
from api.waiting import answer_of
from loyalty.ports import Transaction, Wants

T = TypeVar("T")
Asked = Wants | Callable[[Transaction], Wants]


async def shared(given: Services, work: Callable[[Transaction], T], wants: Asked) -> T:
    """Do `work` in the next commit and answer with what came of it, without a thread that waits.

    Where only a row names the members that will be locked, `wants` looks it up beforehand.
    """
    if not isinstance(wants, Wants):
        wants = await run_in_threadpool(given.store.read, wants)
    answer: T = await answer_of(given.store.submit(work, wants))
    return answer
