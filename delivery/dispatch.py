"""Takes messages whose time has come, fills in their words, hands them to their channels.

Each channel has a line of its own, so one that hangs keeps no other waiting.

The claim is one transaction and the gate is asked in it; what a channel answered is another. In
between nothing is held: the gate is asked again right before a message leaves. A sender that dies
leaves only its claims, and the line knows what to do with each: an in-app message *is* its row, a
webhook's receiver knows its key, and an e-mail waits for a person.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Literal

from delivery.channels import Channel, Letter, Permanent, Temporary, Unknown
from delivery.render import CannotRender, Rendered
from delivery.words import words_of
from loyalty.errors import LoyaltyError
from loyalty.messages import MessageStore, Outgoing, Settlement
from loyalty.ports import Clock
from loyalty.programme import Channel as ChannelName
from loyalty.programme import Programme

FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=10)
PATIENCE_SECONDS = 300
"""What a slow channel left unsent this long after the claim goes back in line: well inside the
line's lease, after which another sender would take it for interrupted."""
NOT_BEGUN = "not begun: the channel was slow, or the sender was stopped"


class Dispatcher:
    """The sending half of the relay process."""

    def __init__(
        self,
        store: MessageStore,
        programme: Programme,
        clock: Clock,
        channels: Mapping[ChannelName, Channel],
    ) -> None:
        """`channels` are the outside ones that are set up; in-app needs none."""
        self._store = store
        self._programme = programme
        self._clock = clock
        self._channels = channels
        # Texts of a version never change, so they are read once.
        self._texts = lru_cache(maxsize=256)(store.texts)

    async def run_once(self, name: ChannelName, stop: asyncio.Event, limit: int = 100) -> int:
        """Send what is due on one channel, up to `limit`; how many were claimed, 0 when none is.

        Told to stop, it finishes what is on its way; what has not begun goes back in line.
        """
        claimed = await asyncio.to_thread(self._store.claim, name, limit)
        if not claimed:
            return 0
        if name == "inbox":
            await asyncio.to_thread(self._deliver_in_app, claimed)
        elif channel := self._channels.get(name):
            await self._deliver_outside(channel, claimed, stop)
        else:
            error = f"the channel {name} is not set up"
            ends = [_ended(one, "failed", error) for one in claimed]
            await asyncio.to_thread(self._store.settle, ends)
        return len(claimed)

    async def close(self) -> None:
        for channel in self._channels.values():
            await channel.close()

    def _deliver_in_app(self, claimed: Sequence[Outgoing]) -> None:
        """Settling is delivering: a page of in-app messages appears in one transaction."""
        self._store.settle([self._rendered(one)[1] for one in claimed])

    async def _deliver_outside(
        self, channel: Channel, claimed: Sequence[Outgoing], stop: asyncio.Event
    ) -> None:
        now = asyncio.get_running_loop().time
        until = now() + PATIENCE_SECONDS
        free = asyncio.Semaphore(channel.at_once)

        async def deliver(outgoing: Outgoing) -> None:
            async with free:
                if stop.is_set() or now() > until:
                    settlement = self._back_in_line(outgoing, NOT_BEGUN)
                else:
                    settlement = await self._send(channel, outgoing)
                # Noted at once, one by one: whatever is not noted may have to be sent again.
                await asyncio.to_thread(self._store.settle, [settlement])

        ends = await asyncio.gather(*(deliver(one) for one in claimed), return_exceptions=True)
        # Not an answer of a channel but a fault of ours: all others are settled first.
        if faults := [end for end in ends if isinstance(end, Exception)]:
            raise ExceptionGroup("messages left unsettled", faults)

    def _rendered(self, outgoing: Outgoing) -> tuple[Rendered | None, Settlement]:
        """The words, and how the attempt ends if the channel takes them."""
        try:
            texts = self._texts(outgoing.campaign_id or "", outgoing.version or 0)
            _, words = words_of(
                texts, outgoing.message, outgoing.locale, outgoing.variables, self._programme
            )
        except (CannotRender, LoyaltyError) as error:
            return None, _ended(outgoing, "failed", f"no words: {error}")
        subject, body = words.subject, words.text
        return words, Settlement(outgoing.key, outgoing.attempt, "sent", subject, body)

    async def _send(self, channel: Channel, outgoing: Outgoing) -> Settlement:
        words, settlement = await asyncio.to_thread(self._ready, outgoing)
        if words is None:
            return settlement
        try:
            await channel.send(_letter(outgoing, words))
        except Permanent as error:
            return _ended(outgoing, "failed", str(error))
        except Temporary as error:
            return self._again(outgoing, error)
        except Unknown as error:
            return _ended(outgoing, "unknown", str(error))
        return settlement

    def _ready(self, outgoing: Outgoing) -> tuple[Rendered | None, Settlement]:
        """The words, unless the gate has changed its mind: the next claim then says why."""
        words, if_taken = self._rendered(outgoing)
        if words is None or self._store.may_leave(outgoing):
            return words, if_taken
        return None, self._back_in_line(outgoing)

    def _back_in_line(self, outgoing: Outgoing, error: str | None = None) -> Settlement:
        now = self._clock.now()
        return Settlement(outgoing.key, outgoing.attempt, "deferred", error=error, due_at=now)

    def _again(self, outgoing: Outgoing, error: Temporary) -> Settlement:
        """Try later, each time twice as late, until the message says nothing of use any more."""
        wait = min(FIRST_WAIT * 2 ** min(outgoing.attempt - 1, 20), LONGEST_WAIT)
        due_at = self._clock.now() + max(wait, error.retry_after or wait)
        if due_at >= outgoing.expires_at:
            return _ended(outgoing, "failed", f"gave up after {outgoing.attempt} times: {error}")
        return Settlement(
            outgoing.key, outgoing.attempt, "deferred", error=str(error), due_at=due_at
        )


def _ended(outgoing: Outgoing, status: Literal["failed", "unknown"], error: str) -> Settlement:
    return Settlement(outgoing.key, outgoing.attempt, status, error=error)


def _letter(outgoing: Outgoing, words: Rendered) -> Letter:
    return Letter(
        key=outgoing.key,
        member_id=outgoing.member_id,
        address=outgoing.address,
        subject=words.subject,
        text=words.text,
        locale=outgoing.locale,
        purpose=outgoing.purpose,
        message=outgoing.message,
        campaign_id=outgoing.campaign_id,
        variables=outgoing.variables,
        unsubscribe_token=outgoing.unsubscribe_token,
    )
