"""Templates that marketers write themselves: saved as versions, seen by every process at once."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier

import pytest

from bootstrap.catalogue import Catalogue
from bootstrap.template_reading import read_texts
from loyalty import campaigns, template_versions
from loyalty.admission import compiled
from loyalty.campaign_request import CampaignRequest
from loyalty.errors import ChangedMeanwhile, Invalid, Unknown
from loyalty.ports import Transaction
from loyalty.programme import Programme
from loyalty.revising import revise
from loyalty.template_version import TemplateVersion
from storage import tables
from storage.store import SqlStore
from tests.storage.rows import StillClock

ROOT = Path(__file__).parents[2] / "campaign_templates"
SHIPPED = {"new_member_bonus"}
GIFT = """\
name: gift
title: {en: A gift, zh: 礼物}
summary: {en: Points for those we invite., zh: 邀请的会员获得积分。}
enter: api
budget_points: 1000
journey:
  - grant: 50
  - notify: thanks
"""
FILES = {
    "campaign.yaml": GIFT,
    "messages/thanks.en.j2": "Subject: Thanks\n\nYou have {{ points.available }} points.\n",
    "messages/thanks.zh.j2": "Subject: 感谢\n\n您有 {{ points.available }} 积分。\n",
}
MORE = {**FILES, "campaign.yaml": GIFT.replace("grant: 50", "grant: 80")}


def saved(
    store: SqlStore,
    files: Mapping[str, str],
    after: int,
    actor: str = "mia",
    name: str = "gift",
) -> TemplateVersion:
    """Save as the API does: read first, then the next version."""
    template, problems = read_texts(name, files, Programme().known_events)
    assert template is not None
    assert not problems
    made, _ = store.run(
        lambda tx: template_versions.save(
            tx,
            template,
            files,
            after_version=after,
            note="because",
            actor=actor,
            shipped=SHIPPED,
        )
    )
    return made


def test_every_version_stays_as_it_was_saved(store: SqlStore) -> None:
    """Whoever asks what ran last month reads the very text."""
    saved(store, FILES, 0)
    saved(store, MORE, 1, actor="jun")

    first = store.read(lambda tx: template_versions.version(tx, "gift", 1))
    assert (dict(first.files), first.created_by, first.note) == (FILES, "mia", "because")
    lines = store.read(lambda tx: template_versions.versions(tx, "gift"))
    assert [(line.version, line.created_by) for line in lines] == [(2, "jun"), (1, "mia")]
    with pytest.raises(Unknown):
        store.read(lambda tx: template_versions.version(tx, "gift", 3))


def test_two_editors_never_overwrite_each_other(store: SqlStore) -> None:
    """Who saves second is told who was first, and keeps what was typed."""
    saved(store, FILES, 0)
    saved(store, MORE, 1, actor="jun")

    with pytest.raises(ChangedMeanwhile) as told:
        saved(store, {**MORE, "campaign.yaml": GIFT.replace("50", "99")}, 1)

    assert (told.value.facts["version"], told.value.facts["created_by"]) == (2, "jun")
    assert saved(store, FILES, 2).version == 3


def test_two_who_save_at_once_are_told_apart(store: SqlStore) -> None:
    """Exactly one of them has saved the version, on either database."""
    ready = Barrier(2)

    def edit(actor: str) -> object:
        ready.wait(10)
        try:
            return saved(store, FILES, 0, actor=actor).created_by
        except ChangedMeanwhile as told:
            return told.code

    with ThreadPoolExecutor(2) as people:
        told = list(people.map(edit, ["mia", "jun"]))

    assert told.count("changed_meanwhile") == 1
    [line] = store.read(lambda tx: template_versions.versions(tx, "gift"))
    assert line.created_by in told


def test_a_save_that_is_sent_again_is_harmless(store: SqlStore) -> None:
    """The answer got lost, the browser sends it again: still one version (rule 14)."""
    first = saved(store, FILES, 0)

    assert saved(store, FILES, 0) == first
    assert len(store.read(lambda tx: tx.template_versions.listed())) == 1


def test_a_shipped_template_keeps_its_name(store: SqlStore) -> None:
    """Nobody who launches the new member bonus gets something else of that name."""
    files = {**FILES, "campaign.yaml": GIFT.replace("name: gift", "name: new_member_bonus")}

    with pytest.raises(Invalid) as refused:
        saved(store, files, 0, name="new_member_bonus")

    assert [each["code"] for each in refused.value.problems] == ["shipped"]


def test_a_copy_of_a_shipped_template_is_good_under_its_new_name() -> None:
    """How most templates begin."""
    catalogue = Catalogue([ROOT], Programme())

    for name, files in catalogue.shipped().items():
        copied = template_versions.renamed(files, name, f"my_{name}"[:48])
        template, problems = read_texts(f"my_{name}"[:48], copied, Programme().known_events)
        assert template is not None, name
        assert not problems


def test_what_one_process_saves_another_sees_at_once(store: SqlStore, clock: StillClock) -> None:
    """No restart, no deploy: the next question is answered with it, by whoever is asked."""
    here = Catalogue([ROOT], Programme(), store)
    other = SqlStore(store.database, clock, Programme())
    there = Catalogue([ROOT], Programme(), other)
    assert "gift" not in there()

    saved(store, FILES, 0)
    first = there()["gift"]
    assert here()["gift"] == first
    saved(store, MORE, 1)

    assert there()["gift"].body["journey"][0] == {"grant": 80}
    assert there()["gift"].hash != first.hash
    assert there().keys() == {"gift", *there.shipped()}


def test_what_was_read_once_is_not_read_again(store: SqlStore) -> None:
    """Asking whether there is anything new costs one count."""
    catalogue = Catalogue([ROOT], Programme(), store)
    saved(store, FILES, 0)

    assert catalogue()["gift"] is catalogue()["gift"]


def test_a_saved_template_that_no_longer_fits_is_left_out(
    store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    """The programme lost an event type: the others stay, and the log says what is wrong where."""
    visits = GIFT.replace("enter: api", "enter: {on: visit}")
    saved(store, {**FILES, "campaign.yaml": visits}, 0)
    saved(
        store,
        {**FILES, "campaign.yaml": GIFT.replace("name: gift", "name: other")},
        0,
        name="other",
    )

    found = Catalogue([ROOT], Programme(event_types=("check_in", "review")), store)()

    assert "other" in found
    assert "gift" not in found
    assert "version 1 of gift is left out: campaign.yaml:4:" in caplog.text


def test_a_folder_goes_before_a_saved_template_of_the_same_name(
    store: SqlStore, tmp_path: Path
) -> None:
    """A later release brings a template of that name: what is launched is what is shipped."""
    saved(store, FILES, 0)
    folder = tmp_path / "gift"
    (folder / "messages").mkdir(parents=True)
    for name, text in MORE.items():
        (folder / name).write_text(text, encoding="utf-8")

    assert Catalogue([tmp_path], Programme(), store)()["gift"].body["journey"][0] == {"grant": 80}


def test_a_drafted_campaign_keeps_the_version_it_was_made_from(store: SqlStore) -> None:
    """The template goes on to version 2; nobody under way notices, and whoever enters after a new
    budget gets what was launched. Moving to version 2 is asked for by name.
    """
    catalogue = Catalogue([ROOT], Programme(), store)
    saved(store, FILES, 0)
    request = CampaignRequest(id="gift-1", name="Gift", template="gift")
    store.run(lambda tx: campaigns.draft(tx, catalogue()["gift"], request, "mia", lambda made: []))
    store.run(lambda tx: campaigns.launch(tx, "gift-1", 1, "mia"))

    saved(store, MORE, 1)
    smaller = request.model_copy(update={"budget_points": 150_000})
    for move_to in (None, catalogue()["gift"], None):
        store.run(
            partial(
                revise,
                request=smaller,
                actor="mia",
                check_texts=lambda made: [],
                move_to=move_to,
            )
        )

    listed = store.read(lambda tx: list(tx.campaigns.versions("gift-1")))
    points = [compiled(each).plan.nodes["grant"].step.points for each in reversed(listed)]  # type: ignore[union-attr]  # of all steps this one grants
    assert points == [50, 50, 80]


def test_a_template_is_kept_word_for_word(store: SqlStore) -> None:
    """The order of its parameters too: in it they are asked for."""
    shipped = list(Catalogue([ROOT], Programme())().values())

    def keep(tx: Transaction) -> None:
        for template in shipped:
            tx.campaigns.keep_template(template)

    store.run(keep)
    found = store.read(lambda tx: [tx.campaigns.kept_template(each.hash) for each in shipped])

    for kept, template in zip(found, shipped, strict=True):
        assert kept == template
        assert list(kept.parameters) == list(template.parameters)


def test_saving_is_on_record(store: SqlStore) -> None:
    """Who, what and why, as for everything a marketer changes."""
    saved(store, FILES, 0)

    with store.database.read() as connection:
        [row] = connection.execute(tables.audit.select()).all()
    assert (row.actor, row.action, row.target, row.reason) == (
        "mia",
        "template.save",
        "gift",
        "because",
    )
