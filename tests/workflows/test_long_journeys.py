"""A journey that goes on for ever does not grow for ever."""

from pathlib import Path

import pytest
from temporalio.client import WorkflowContinuedAsNewError

from bootstrap.converter import data_converter
from bootstrap.temporal import DevServer, connect
from tests.reference_journey import END, WAIT, Script, begin, worker_for

AGAIN = WAIT.model_copy(update={"sleep_seconds": 0.01})


async def test_a_long_history_goes_on_in_a_new_run(tmp_path: Path) -> None:
    """When the server finds the history long, the journey goes on in a new run, turn by turn."""
    short = "limit.historyCount.suggestContinueAsNew=20"
    server = DevServer(
        log=tmp_path / "log", time_skipping=True, options=["--dynamic-config-value", short]
    )
    await server.start()
    try:
        client = await connect(server.address, converter=data_converter())
        script = Script(*[AGAIN] * 12, END)
        async with worker_for(client, "long", script):
            first = await begin(client, "long")

            assert await first.result() == "thanked"
            opening_run = client.get_workflow_handle(first.id, run_id=first.result_run_id)
            with pytest.raises(WorkflowContinuedAsNewError):
                await opening_run.result(follow_runs=False)
        assert script.turns == list(range(13))
    finally:
        await server.stop()
