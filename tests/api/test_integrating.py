"""The pages for those who connect: every request is sent, and every answer is as they say."""

import json
import re
import shlex
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bootstrap.catalogue import Catalogue
from loyalty.campaign_turn import take_campaign_turn
from loyalty.programme import Programme
from loyalty.sealing.signing_keys import SigningKey
from storage.checkpoints import make_checkpoint
from tests.api.conftest import NOON, Shop, serve
from tests.conftest import DatabaseMaker

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGE = (DOCS / "integrating.md").read_text(encoding="utf-8")
STEP = re.compile(r"```sh\nmp (.*?)\n```\n\n```json (\d{3})\n(.*?)\n```", re.DOTALL)
WRITTEN = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
REQUEST = re.compile(r"^mp (.*?)\n(?=mp |\Z)", re.DOTALL | re.MULTILINE)
LOG_KEY = SigningKey("shop.example/log", bytes(range(32)))
LAUNCH = re.compile(r"^milepost campaigns launch (\w+) --id (\S+) (.*?)\n```", re.DOTALL | re.M)


def _shop(new_database: DatabaseMaker) -> Shop:
    templates = Catalogue([ROOT / "campaign_templates"], Programme())
    return serve(new_database("sqlite"), templates=templates)


def _launch(shop: Shop) -> None:
    """The exchange that the page launches, opened as its workflow would."""
    written = LAUNCH.search(PAGE)
    assert written is not None
    template, campaign_id, rest = written.groups()
    given = (each for each in shlex.split(rest.replace("\\\n", " ")) if each != "--set")
    values = dict(each.split("=", 1) for each in given)
    body = {"id": campaign_id, "name": "Cup", "template": template, "values": values}
    marketer = shop.as_("marketer")
    assert marketer.post("/v1/campaigns", json=body).status_code == 201
    assert (
        marketer.post(f"/v1/campaigns/{campaign_id}/launch", json={"version": 1}).status_code == 200
    )
    for turn in range(3):
        work = partial(take_campaign_turn, campaign_id=campaign_id, turn=turn)
        shop.services.store.run(work)


def _sent(shop: Shop, command: str) -> Any:
    """The request as curl would send it; where its answer is kept is left out."""
    path, *options = shlex.split(command)
    given = dict(zip(options[::2], options[1::2], strict=True))
    assert set(given) <= {"-d", "-X", ">>"}
    method = given.get("-X", "POST" if "-d" in given else "GET")
    headers = {"Content-Type": "application/json"}
    return shop.as_("integrator").request(method, path, content=given.get("-d"), headers=headers)


def _fits(answer: Any, written: Any) -> bool:
    """Whether the answer is what the page shows, where it does not say `...`."""
    if written == "...":
        return bool(answer)
    if isinstance(written, dict) and isinstance(answer, dict):
        return answer.keys() == written.keys() and all(
            _fits(answer[name], written[name]) for name in written
        )
    if isinstance(written, list) and isinstance(answer, list):
        return len(answer) == len(written) and all(map(_fits, answer, written))
    return bool(answer == written)


def test_the_walk_through_works_as_it_is_written(new_database: DatabaseMaker) -> None:
    """A newcomer who copies each request gets the answer that stands below it."""
    shop = _shop(new_database)
    _launch(shop)
    steps = STEP.findall(PAGE)

    for command, status, written in steps:
        answer = _sent(shop, command)
        assert answer.status_code == int(status), f"{command}\n{answer.text}"
        shown = json.dumps(answer.json(), indent=2, ensure_ascii=False)
        assert _fits(answer.json(), json.loads(written)), f"{command}\n{shown}"

    assert len(steps) == PAGE.count("```sh\n") == PAGE.count("```json ")


@pytest.mark.parametrize(("page", "requests"), [("till.md", 1), ("proof.md", 3)])
def test_what_other_pages_ask_is_answered_after_the_walk_through(
    new_database: DatabaseMaker, page: str, requests: int
) -> None:
    """They go on in the shell and with the member of the first page."""
    shop = _shop(new_database)
    _launch(shop)
    for command, _, _ in STEP.findall(PAGE):
        _sent(shop, command)
    shop.database.run(lambda found: make_checkpoint(found, LOG_KEY.name, LOG_KEY, NOON))
    text = (DOCS / page).read_text(encoding="utf-8")
    commands = [each for block in WRITTEN.findall(text) for each in REQUEST.findall(block)]

    for command in commands:
        answer = _sent(shop, command)
        assert answer.status_code == 200, f"{command}\n{answer.text}"

    assert len(commands) == requests
    # Of a shell of its own nothing is left: no request by other means than `mp`.
    assert not re.search(r"^curl |\$MP", text, re.MULTILINE)
