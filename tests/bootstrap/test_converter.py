"""What Temporal stores of us: sealed when keys are set, readable for as long as keys are kept."""

import pytest
from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError

from activities.contracts import TurnOutcome
from bootstrap.converter import UnknownKey, data_converter, read_keys

OLD = "2025:" + "11" * 32
NEW = "2026:" + "22" * 32
OUTCOME = TurnOutcome(ended=False, sleep_seconds=5, details="waiting " * 400)


async def test_a_sealed_payload_tells_nothing_and_is_smaller() -> None:
    """Neither the text nor its shape is visible; above 1 KiB it is compressed first."""
    converter = data_converter(read_keys([NEW]))

    [payload] = await converter.encode([OUTCOME])

    assert b"waiting" not in payload.SerializeToString()
    assert payload.metadata["key-id"] == b"2026"
    assert payload.ByteSize() < 600
    assert await converter.decode([payload], [TurnOutcome]) == [OUTCOME]


async def test_what_a_failure_says_is_sealed_too() -> None:
    """Failures stand in histories as well: neither their words nor their places are readable."""
    converter, failure = data_converter(read_keys([NEW])), Failure()

    await converter.encode_failure(ApplicationError("waiting for Lee", "waiting"), failure)
    assert b"waiting" not in failure.SerializeToString()

    opened = await converter.decode_failure(failure)
    assert isinstance(opened, ApplicationError)
    assert (opened.message, opened.details) == ("waiting for Lee", ("waiting",))


async def test_a_retired_key_still_opens_what_it_sealed() -> None:
    """After a change of keys, old payloads still open; new ones use the new key."""
    [payload] = await data_converter(read_keys([OLD])).encode([OUTCOME])
    both = data_converter(read_keys([NEW, OLD]))

    assert await both.decode([payload], [TurnOutcome]) == [OUTCOME]
    assert (await both.encode([OUTCOME]))[0].metadata["key-id"] == b"2026"


async def test_what_was_written_before_sealing_stays_readable() -> None:
    """Sealing may be switched on while journeys run."""
    [plain] = await data_converter().encode([OUTCOME])

    assert await data_converter(read_keys([NEW])).decode([plain], [TurnOutcome]) == [OUTCOME]


async def test_a_missing_key_is_named() -> None:
    """The error says which key is missing, so that an operator can put it back."""
    [payload] = await data_converter(read_keys([OLD])).encode([OUTCOME])

    with pytest.raises(UnknownKey, match="2025"):
        await data_converter(read_keys([NEW])).decode([payload], [TurnOutcome])


@pytest.mark.parametrize("written", ["2026", "2026:xyz", "2026:abcd"])
def test_a_key_written_wrong_is_refused_at_once(written: str) -> None:
    """A typing error in a key is found when the program starts, not when a payload is lost."""
    with pytest.raises(ValueError, match="id:hex"):
        read_keys([written])
