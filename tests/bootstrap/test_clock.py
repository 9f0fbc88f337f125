"""Programme time can be moved for stories and drills, by one process, for all of them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from bootstrap.clock import FileClock, SystemClock

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_every_reader_sees_the_clock_move(tmp_path: Path) -> None:
    """One process sets the clock; another reads the new hour at its next look."""
    hand, reader = FileClock(tmp_path / "clock"), FileClock(tmp_path / "clock")
    hand.set(NOON)
    assert reader.now() == NOON

    for day in range(1, 50):
        hand.set(NOON + timedelta(days=day))
        assert reader.now() == NOON + timedelta(days=day)


def test_a_shifted_clock_goes_on_running(tmp_path: Path) -> None:
    """Set ahead by ninety days, the clock still runs as fast as a real one."""
    clock = FileClock(tmp_path / "clock")
    clock.shift_to(SystemClock().now() + timedelta(days=90))

    first, second = clock.now(), clock.now()
    assert timedelta() < second - first < timedelta(seconds=1)
    assert abs(first - SystemClock().now() - timedelta(days=90)) < timedelta(seconds=2)


def test_without_a_file_it_is_the_real_time(tmp_path: Path) -> None:
    """A clock nobody moved tells the real time."""
    assert abs(FileClock(tmp_path / "none").now() - SystemClock().now()) < timedelta(seconds=2)
