"""Writing a template in the browser: nothing typed is ever lost, nothing broken is ever saved."""

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from bootstrap.catalogue import Catalogue
from loyalty.programme import Programme
from storage.store import SqlStore
from tests.api.conftest import MovingClock, Shop
from tests.conftest import DatabaseMaker
from tests.storage.test_template_versions import FILES, GIFT

ROOT = Path(__file__).parents[2] / "campaign_templates"


@pytest.fixture
def writing(new_database: DatabaseMaker, serving: Callable[..., Shop]) -> Shop:
    """A shop with the shipped templates, where saved ones can be launched."""
    store = SqlStore(new_database("sqlite"), MovingClock(), Programme())
    catalogue = Catalogue([ROOT], Programme(), store)
    return serving(store=store, templates=catalogue, shipped=catalogue.shipped)


@pytest.fixture
def mia(writing: Shop) -> TestClient:
    return writing.signed_in("marketer")


def form(files: dict[str, str] = FILES, after: int = 0, name: str = "", **more: Any) -> Any:
    """What the editor's page sends."""
    sent: dict[str, Any] = {"name": name, "after_version": after, "note": "Spring", **more}
    for n, (path, text) in enumerate(files.items()):
        sent[f"files.{n}.path"] = path
        sent[f"files.{n}.text"] = text.replace("\n", "\r\n")  # as browsers do
    return sent


def typed(page: str) -> dict[str, str]:
    """The files that stand in a page's editor, by path."""
    paths = re.findall(r'name="files\.\d+\.path" value="([^"]+)"', page)
    texts = re.findall(r"<textarea[^>]*code-text[^>]*>\n(.*?)</textarea>", page, re.DOTALL)
    return dict(zip(paths, map(unescape, texts), strict=True))


def test_a_copy_of_a_shipped_template_is_good_at_once(mia: TestClient) -> None:
    """It has a name of its own, its picture beside it, and could be saved as it is."""
    page = mia.get("/console/templates/new?from=new_member_bonus").text

    assert typed(page)["campaign.yaml"].startswith("name: my_new_member_bonus\n")
    assert "Good: it can be saved and launched." in page
    assert "<svg" in page


def test_what_one_begins_with_from_nothing_is_good_too(mia: TestClient) -> None:
    """The least that is worth launching, to be changed from there."""
    assert "Good: it can be saved and launched." in mia.get("/console/templates/new").text


def test_saving_leads_to_the_version_and_on_to_a_campaign(mia: TestClient) -> None:
    """Save, see what changed, make a campaign from it."""
    saved = mia.post("/console/templates/save", data=form())
    assert (saved.status_code, saved.headers["location"]) == (
        303,
        "/console/templates/gift/versions",
    )

    page = mia.get("/console/templates/gift/versions").text
    assert 'href="/console/campaigns/new?template=gift"' in page
    assert "Version 1 of gift is saved." in page
    assert "A gift" in mia.get("/console/templates/mine").text
    assert typed(mia.get("/console/templates/gift/edit").text) == FILES


def test_an_error_is_found_at_its_line_while_one_types(mia: TestClient) -> None:
    """A fragment for the page's right side; the link knows tab, line and column."""
    broken = {**FILES, "campaign.yaml": GIFT.replace("  - grant", "  - gramt")}

    answer = mia.post(
        "/console/templates/check", data=form(broken), headers={"HX-Request": "true"}
    ).text

    assert "<html" not in answer
    assert 'data-tab="0" data-line="7" data-column="5"' in answer
    assert "Did you mean grant?" in answer


def test_without_scripts_a_button_checks(mia: TestClient) -> None:
    """The whole page again, with every word that was typed and the line marked."""
    broken = {**FILES, "campaign.yaml": GIFT.replace("  - grant", "  - gramt")}

    page = mia.post("/console/templates/check", data=form(broken, act="check")).text

    assert typed(page) == broken
    assert '<span id="line-0-7" class="found">7</span>' in page
    assert 'value="Spring"' in page


@pytest.mark.parametrize("sent", [{"act": "check"}, {"act": "add", "message": "reminder"}, {}])
def test_what_came_back_unsaved_says_so(mia: TestClient, sent: dict[str, Any]) -> None:
    """So the script asks before it is left behind; an editor just opened has nothing to lose."""
    path = "check" if sent else "save"
    broken = {**FILES, "campaign.yaml": GIFT.replace("  - grant", "  - gramt")}

    assert "data-unsaved" in mia.post(f"/console/templates/{path}", data=form(broken, **sent)).text
    assert "data-unsaved" not in mia.get("/console/templates/new").text


def test_what_is_broken_is_not_saved_and_not_lost(mia: TestClient) -> None:
    """The page comes back with everything on it."""
    broken = {**FILES, "messages/thanks.zh.j2": "感谢 <b>\n"}

    answer = mia.post("/console/templates/save", data=form(broken))

    assert answer.status_code == 422
    assert typed(answer.text) == broken
    assert "nothing you typed is lost" in answer.text
    assert mia.get("/console/templates/gift/edit").status_code == 404


@pytest.mark.parametrize(
    ("files", "more", "said"),
    [
        (FILES, {"note": " "}, "note"),
        ({**FILES, "campaign.yaml": "a" * 100_001}, {}, "The file has 100001 characters"),
        (
            {**FILES, "campaign.yaml": GIFT.replace("name: gift", "name: new_member_bonus")},
            {},
            "is the name of a shipped template",
        ),
    ],
)
def test_every_other_refusal_keeps_what_was_typed(
    mia: TestClient, files: dict[str, str], more: dict[str, Any], said: str
) -> None:
    """A note that is missing, a file that is too long, a name that is taken."""
    answer = mia.post("/console/templates/save", data=form(files, **more))

    assert answer.status_code == 422
    assert typed(answer.text) == files
    assert said in answer.text


def test_of_two_editors_the_second_sees_both(mia: TestClient, writing: Shop) -> None:
    """Jun saved while Mia was typing: she sees whose and what, and decides."""
    mia.post("/console/templates/save", data=form())
    jun = writing.signed_in("admin")
    theirs = {**FILES, "campaign.yaml": GIFT.replace("50", "60")}
    mine = {**FILES, "campaign.yaml": GIFT.replace("50", "70")}
    jun.post("/console/templates/save", data=form(theirs, 1, "gift", note="Sixty"))

    refused = mia.post("/console/templates/save", data=form(mine, 1, "gift"))

    assert refused.status_code == 409
    assert typed(refused.text) == mine
    assert "admin by hand saved version 2 meanwhile." in refused.text
    assert "<code>  - grant: 60</code>" in refused.text
    assert "<code>  - grant: 70</code>" in refused.text
    again = mia.post("/console/templates/save", data=form(mine, 1, "gift", over="2"))
    assert again.status_code == 303
    assert typed(mia.get("/console/templates/gift/edit").text) == mine


def test_a_message_is_added_and_removed_without_scripts(mia: TestClient) -> None:
    """Two empty texts, one in each language, and nothing else changes."""
    page = mia.post("/console/templates/check", data=form(act="add", message="reminder")).text
    assert typed(page).keys() - FILES.keys() == {
        "messages/reminder.en.j2",
        "messages/reminder.zh.j2",
    }

    page = mia.post("/console/templates/check", data=form(typed(page), act="remove:reminder")).text
    assert typed(page) == FILES

    page = mia.post("/console/templates/check", data=form(act="add", message="A Reminder!")).text
    assert "Small letters, digits and _" in page
    assert typed(page) == FILES


def test_an_older_version_can_be_gone_on_from(mia: TestClient) -> None:
    """Its text, to be saved after the newest: nothing is ever rolled back in place."""
    mia.post("/console/templates/save", data=form())
    newer = {**FILES, "campaign.yaml": GIFT.replace("50", "60")}
    mia.post("/console/templates/save", data=form(newer, 1, "gift"))

    page = mia.get("/console/templates/gift/edit?version=1").text

    assert typed(page) == FILES
    assert 'name="after_version" value="2"' in page


def test_who_may_not_write_reads(writing: Shop) -> None:
    """Operators look at versions; the editor is for marketers."""
    writing.signed_in("marketer").post("/console/templates/save", data=form())
    tom = writing.signed_in("operator")

    assert tom.get("/console/templates/mine").status_code == 200
    page = tom.get("/console/templates/gift/versions")
    assert (page.status_code, "/edit" in page.text) == (200, False)
    assert tom.get("/console/templates/gift/edit").status_code == 403
    assert tom.post("/console/templates/save", data=form()).status_code == 403


def test_what_was_typed_never_becomes_part_of_the_page(mia: TestClient) -> None:
    """A template is data, in the editor too."""
    evil = {**FILES, "campaign.yaml": GIFT + "# </textarea><script>alert(1)</script>\n"}
    evil['messages/"><script>.en.j2'] = "x"

    page = mia.post("/console/templates/check", data=form(evil)).text

    assert "<script>alert" not in page
    assert '"><script>' not in page


@pytest.mark.parametrize(
    "path", ["/console/templates/nothing/edit", "/console/templates/x/versions"]
)
def test_what_does_not_exist_is_said(mia: TestClient, path: str) -> None:
    """A page, not a crash."""
    assert mia.get(path).status_code == 404


def test_a_template_is_tried_on_a_member_while_it_is_written(mia: TestClient) -> None:
    """Beside the editor: what would happen and what they would read."""
    sent = form(member_id="", assume="everything")

    answer = mia.post("/console/templates/try", data=sent, headers={"HX-Request": "true"}).text
    assert "A sample who does not exist" in answer
    assert "grant: gave 50 points." in answer
    assert "You have 1,300 points." in answer

    page = mia.post("/console/templates/try", data=sent).text
    assert typed(page) == FILES
    assert "grant: gave 50 points." in page


def test_who_is_tried_must_exist_and_figures_must_fit(mia: TestClient) -> None:
    """Said beside the journey; the files stay."""
    for wrong in (
        {"member_id": "nobody"},
        {"member_id": "no such/id"},
        {"values": "welcome: 3"},
        {"values": "a: [b"},
        {"values": "just words"},
    ):
        answer = mia.post("/console/templates/try", data=form() | wrong)
        assert (answer.status_code, typed(answer.text)) == (422, FILES)
        assert 'class="error"' in answer.text
