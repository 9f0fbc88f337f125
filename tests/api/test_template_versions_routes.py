"""Templates of one's own over HTTP: checked as they are typed, saved, read back, launched."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bootstrap.catalogue import Catalogue
from loyalty.programme import Programme
from storage.store import SqlStore
from tests.api.conftest import MovingClock, Shop
from tests.conftest import DatabaseMaker
from tests.storage.test_template_versions import FILES, GIFT, MORE

ROOT = Path(__file__).parents[2] / "campaign_templates"


@pytest.fixture
def writing(new_database: DatabaseMaker, serving: Callable[..., Shop]) -> Shop:
    """A shop with the shipped templates, where saved ones can be launched."""
    database = new_database("sqlite")
    store = SqlStore(database, MovingClock(), Programme())
    catalogue = Catalogue([ROOT], Programme(), store)
    return serving(store=store, templates=catalogue, shipped=catalogue.shipped)


def save(shop: Shop, files: Any = FILES, after: int = 0, name: str = "gift") -> Any:
    body = {"files": files, "after_version": after, "note": "Spring"}
    return shop.as_("marketer").post(f"/v1/templates/{name}/versions", json=body)


def test_a_template_is_checked_as_it_is_typed(shop: Shop) -> None:
    """The answer names the line and the column, and what was probably meant."""
    marketer = shop.as_("marketer")
    broken = {**FILES, "campaign.yaml": GIFT.replace("  - grant", "  - gramt")}

    [found] = marketer.post("/v1/templates/check", json={"files": broken}).json()["findings"]
    assert (found["file"], found["line"], found["column"]) == ("campaign.yaml", 7, 5)
    assert "Did you mean grant?" in found["message"]

    good = marketer.post("/v1/templates/check", json={"files": FILES}).json()
    assert good["findings"] == []
    assert (good["name"], good["title"]["en"]) == ("gift", "A gift")
    assert [node["kind"] for node in good["picture"]["nodes"]][:2] == ["entry", "grant"]


def test_a_text_that_names_nothing_is_found_at_its_line(shop: Shop) -> None:
    """The same checks as for files: a message may only say what is known where it is sent."""
    text = "Subject: Thanks\n\n\nHello,\nyou have {{ points.avail }} points.\n"
    body = {"files": {**FILES, "messages/thanks.en.j2": text}}

    [found] = shop.as_("marketer").post("/v1/templates/check", json=body).json()["findings"]

    assert (found["file"], found["line"], found["code"]) == (
        "messages/thanks.en.j2",
        5,
        "undefined",
    )


def test_a_saved_template_is_launched_without_a_deploy(writing: Shop) -> None:
    """From the browser to the first member, in one breath."""
    assert save(writing).status_code == 201
    marketer = writing.as_("marketer")

    body = {"id": "spring", "name": "Spring", "template": "gift"}
    assert marketer.post("/v1/campaigns", json=body).status_code == 201
    assert [line["name"] for line in marketer.get("/v1/templates").json()["templates"]][:2] == [
        "dormant_wake_up",
        "gift",
    ]


def test_versions_are_listed_and_read(writing: Shop) -> None:
    """Newest first; each with its files, word for word."""
    save(writing)
    save(writing, MORE, 1)
    marketer = writing.as_("marketer")

    lines = marketer.get("/v1/templates/gift/versions").json()["versions"]
    assert [(line["version"], line["note"]) for line in lines] == [(2, "Spring"), (1, "Spring")]
    assert marketer.get("/v1/templates/gift/versions/1").json()["files"] == FILES
    assert marketer.get("/v1/templates/gift/versions/3").status_code == 404
    assert marketer.get("/v1/template-versions").json()["versions"] == lines
    newest = marketer.get("/v1/templates/gift/files").json()
    assert (newest["origin"], newest["version"], newest["files"]) == ("own", 2, MORE)


def test_a_shipped_template_is_there_to_be_copied(writing: Shop) -> None:
    """Its files as they are on disk."""
    found = writing.as_("operator").get("/v1/templates/new_member_bonus/files").json()

    assert (found["origin"], found["version"]) == ("shipped", None)
    shipped = (ROOT / "new_member_bonus" / "campaign.yaml").read_text("utf-8")
    assert found["files"]["campaign.yaml"] == shipped


def test_of_two_editors_the_second_is_told_of_the_first(writing: Shop) -> None:
    """409 with who saved what and when; nothing is overwritten."""
    save(writing)
    refused = save(writing, MORE, 0)

    assert (refused.status_code, refused.json()["code"]) == (409, "changed_meanwhile")
    assert refused.json()["facts"]["version"] == 1
    assert refused.json()["facts"]["note"] == "Spring"


def test_the_same_save_again_gives_the_first_answer(writing: Shop) -> None:
    """A lost answer costs nothing (rule 14)."""
    first = save(writing)
    again = save(writing)

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json()["version"] == 1


@pytest.mark.parametrize(
    ("files", "name", "code"),
    [
        ({**FILES, "campaign.yaml": GIFT.replace("grant: 50", "grant: -1")}, "gift", "broken_temp"),
        (FILES, "another_name", "broken_temp"),
        ({"campaign.yaml": "[" * 90_000}, "gift", "broken_temp"),
        ({"campaign.yaml": "a: !!python/name:os.system ''"}, "gift", "broken_temp"),
        ({**FILES, "messages/thanks.en.j2": "Subject: a\n\n{{ x.__class__ }}"}, "gift", "broken_t"),
        ({**FILES, "messages/../../evil.en.j2": "Subject: a\n\nb"}, "gift", "broken_template"),
        ({**FILES, "messages/thanks.en.j2": "Subject: a\n\nb\x07"}, "gift", "broken_template"),
        ({"campaign.yaml": "a" * 100_001}, "gift", "broken_template"),
        ({f"messages/m{n}.en.j2": "" for n in range(300)}, "gift", "invalid"),
        ({}, "gift", "invalid"),
    ],
)
def test_nothing_broken_or_hostile_is_saved(
    writing: Shop, files: dict[str, str], name: str, code: str
) -> None:
    """What is stored can be launched; what cannot is answered with its places."""
    refused = save(writing, files, name=name)

    assert refused.status_code == 422, refused.text
    assert refused.json()["code"].startswith(code)
    assert writing.as_("marketer").get("/v1/template-versions").json()["versions"] == []


def test_operators_look_and_marketers_write(writing: Shop) -> None:
    """Roles as everywhere."""
    body = {"files": FILES, "after_version": 0, "note": "Spring"}
    operator = writing.as_("operator")

    assert operator.post("/v1/templates/gift/versions", json=body).status_code == 403
    assert operator.post("/v1/templates/check", json={"files": FILES}).status_code == 200
    assert writing.stranger.post("/v1/templates/check", json={"files": FILES}).status_code == 401


def test_two_versions_are_compared_line_by_line(writing: Shop) -> None:
    """What a version changed; the first one is compared with nothing."""
    save(writing)
    save(writing, MORE, 1)
    operator = writing.as_("operator")

    [found] = operator.get("/v1/templates/gift/versions/2/changes").json()["files"]
    assert (found["file"], found["added"], found["removed"]) == ("campaign.yaml", 1, 1)
    changed = [(line["how"], line["text"]) for line in found["lines"] if line["how"] != "same"]
    assert changed == [
        ("skipped", ""),
        ("removed", "  - grant: 50"),
        ("added", "  - grant: 80"),
    ]
    whole = operator.get("/v1/templates/gift/versions/1/changes").json()
    assert [each["file"] for each in whole["files"]] == sorted(FILES)
    assert operator.get("/v1/templates/gift/versions/1/changes?since=9").status_code == 404


def test_a_template_is_tried_on_a_sample_member_before_it_is_saved(writing: Shop) -> None:
    """Step by step, with the words the member would read; nothing is written."""
    body = {"files": FILES, "assumed": {"kind": "everything"}}

    tried = writing.as_("marketer").post("/v1/templates/try", json=body).json()

    assert (tried["sample"], tried["points"], tried["door"]["verdict"]) == (True, 50, "admitted")
    assert [row["kind"] for row in tried["rows"]] == ["entered", "points", "message", "end"]
    [message] = tried["messages"]
    assert (message["subject"], message["verdict"]["verdict"]) == ("Thanks", "send")
    assert "1,300 points" in message["text"]
    assert writing.as_("marketer").get("/v1/campaigns").json()["campaigns"] == []


def test_a_saved_template_is_tried_on_a_member_with_values(writing: Shop) -> None:
    """Lee, whom everybody knows, and other figures than the template's own."""
    writing.joins()
    body = {"member_id": "lee", "values": {"welcome_points": 300}}
    marketer = writing.as_("marketer")

    tried = marketer.post("/v1/templates/new_member_bonus/try", json=body).json()

    assert (tried["member_id"], tried["points"]) == ("lee", 300)
    refused = marketer.post(
        "/v1/templates/new_member_bonus/try", json={"values": {"welcome_points": -1}}
    )
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "welcome_points")
    nobody = marketer.post("/v1/templates/new_member_bonus/try", json={"member_id": "nobody"})
    assert (nobody.status_code, nobody.json()["facts"]["kind"]) == (404, "member")
    assert marketer.post("/v1/templates/nothing/try", json={}).status_code == 404


def test_every_shipped_template_can_be_tried(writing: Shop) -> None:
    """Whatever a copy begins as."""
    exchange = {"opens_at": "2026-10-10T10:00:00+08:00", "closes_at": "2026-10-12T22:00:00+08:00"}
    for name, values in (
        ("dormant_wake_up", {}),
        ("limited_time_exchange", exchange),
        ("monthly_task_pack", {}),
    ):
        body = {"values": values, "assumed": {"kind": "everything"}}
        tried = writing.as_("operator").post(f"/v1/templates/{name}/try", json=body)
        assert (tried.status_code, bool(tried.json()["rows"])) == (200, True), tried.text


def test_a_broken_template_is_not_tried(writing: Shop) -> None:
    """Its places are named as on saving."""
    body = {"files": {**FILES, "campaign.yaml": GIFT.replace("grant:", "gramt:")}}

    refused = writing.as_("marketer").post("/v1/templates/try", json=body)

    assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, "campaign.yaml:7")
