"""What time it is: the system's clock, or a clock in a file that stories and drills may move.

The port is `loyalty.ports.Clock`.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bootstrap.setting_places import read_text, unusable


class SystemClock:
    """Programme time is real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class FileClock:
    """Programme time is real time plus what a small file says, or the instant it names.

    The file holds either a shift in seconds (`+7776000`), so that time goes on flowing, or an ISO
    instant (`2026-03-01T00:00:00+00:00`), where it stands still. It is read on every call, because
    other processes move it, and replaced whole, so that nobody reads half of it.
    Without a file there is no shift.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._text = "+0"

    def now(self) -> datetime:
        text = self._read()
        try:
            if text[0] in "+-":
                return datetime.now(UTC) + timedelta(seconds=float(text))
            return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            why = f"{self._path} must hold seconds (+3600) or an instant (2026-03-01T00:00Z)"
            raise unusable("clock_file", why) from None

    def set(self, instant: datetime) -> None:
        """Stop the clock at `instant`."""
        self._write(instant.astimezone(UTC).isoformat())

    def shift_to(self, instant: datetime) -> None:
        """Let the clock run on from `instant`."""
        self._write(f"{(instant - datetime.now(UTC)).total_seconds():+f}")

    def _read(self) -> str:
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_ino)
            if stamp != self._stamp:
                self._text = read_text("clock_file", self._path).strip() or "+0"
                self._stamp = stamp
        except FileNotFoundError:
            return "+0"
        return self._text

    def _write(self, text: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        draft.write_text(text + "\n")
        draft.replace(self._path)
