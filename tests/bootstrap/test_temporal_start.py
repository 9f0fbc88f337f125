"""The embedded server comes up although somebody was quicker at one of its ports."""

import socket
from pathlib import Path

import pytest

from bootstrap.temporal import HOST, DevServer, DevServerFailed, find_cli

# As the server itself says it, when another program opened the port between its choice and its
# listening; the second time the real server runs.
LOSES_ONCE = """#!/bin/sh
if [ ! -e "{mark}" ]; then
    touch "{mark}"
    echo 'Failed to start gRPC listener: listen tcp 127.0.0.1:1: bind: address already in use'
    exit 2
fi
exec "{real}" "$@"
"""


async def test_a_lost_race_for_a_port_is_run_again(tmp_path: Path) -> None:
    """A shop that starts at night is not kept down by a port that was free a moment ago."""
    mark = tmp_path / "lost"
    program = tmp_path / "temporal"
    program.write_text(LOSES_ONCE.format(mark=mark, real=find_cli()))
    program.chmod(0o755)
    server = DevServer(log=tmp_path / "server.log", cli=str(program))

    await server.start()

    try:
        assert mark.exists()
        assert server.running()
    finally:
        await server.stop()


async def test_a_port_that_stays_taken_is_said(tmp_path: Path) -> None:
    """A port that the operator chose is not exchanged in silence: the start fails and says why."""
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        server = DevServer(log=tmp_path / "server.log", port=port)

        with pytest.raises(DevServerFailed, match="in use"):
            await server.start()

        assert server.port == port
