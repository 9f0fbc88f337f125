"""Passwords of local accounts: argon2, in threads, two at a time at most.

One takes about a quarter of a second and 64 MiB on purpose, so a crowd at the door waits in line
instead of taking the machine.
"""

from functools import partial

import anyio
from anyio import to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

AT_ONCE = 2


class Passwords:
    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = anyio.CapacityLimiter(AT_ONCE)
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        return await to_thread.run_sync(self._hasher.hash, password, limiter=self._turn)

    async def matches(self, password: str, hash: str | None) -> bool:
        """Whether it is the right one. Without a hash it is not, and takes as long to say so."""
        if self._nobody is None:
            self._nobody = await self.hash("nobody has this password")
        work = partial(self._check, hash or self._nobody, password)
        right = await to_thread.run_sync(work, limiter=self._turn)
        return right and hash is not None

    def _check(self, hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(hash, password)
        except (VerificationError, InvalidHashError):
            return False
