"""What Temporal hears of a failure: enough to act on, and nothing about a person."""

import pytest
from sqlalchemy.exc import IntegrityError
from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError, CancelledError

from activities.errors import told_to_temporal
from activities.upkeep import UpkeepActivities, UpkeepBrief, UpkeepReport
from bootstrap.converter import data_converter
from loyalty.errors import Unknown


async def test_temporal_is_not_told_what_a_database_quotes() -> None:
    """The row that a database chokes on has a name and an address; the history has neither."""
    row = "Failing row contains (m-1, Lee Wang, lee@example.com)"

    with pytest.raises(ApplicationError) as told, told_to_temporal():
        raise IntegrityError("INSERT", {}, Exception(row))
    failure = Failure()
    await data_converter().encode_failure(told.value, failure)

    assert (told.value.type, told.value.non_retryable) == ("IntegrityError", False)
    assert b"lee@example.com" not in failure.SerializeToString()
    assert "test_failures.py" in failure.stack_trace, "and yet it says where"


def test_a_refusal_is_told_by_its_code() -> None:
    """It would be refused again, so nobody tries again."""
    with pytest.raises(ApplicationError) as told, told_to_temporal():
        raise Unknown("run", "j/a/b/c")

    assert (told.value.type, told.value.non_retryable) == ("unknown", True)
    assert "j/a/b/c" in told.value.message


@pytest.mark.parametrize(
    ("trouble", "told_as"),
    [
        (
            IntegrityError("UPDATE", {}, Exception("Key (email)=(lee@example.com)")),
            "IntegrityError",
        ),
        (Unknown("member", "lee"), "unknown"),
    ],
)
def test_the_upkeep_tells_no_more_and_never_gives_up(trouble: Exception, told_as: str) -> None:
    """Its failures are held to the same, and a refusal does not end the care for all others."""

    def care() -> UpkeepReport:
        raise trouble

    with pytest.raises(ApplicationError) as told:
        UpkeepActivities(care).look_after(UpkeepBrief())

    assert (told.value.type, told.value.non_retryable) == (told_as, False)
    assert "lee@example.com" not in str(told.value)


def test_a_cancelled_turn_stays_cancelled() -> None:
    """What Temporal itself asked for is no failure of ours."""
    with pytest.raises(CancelledError), told_to_temporal():
        raise CancelledError("worker is stopping")
