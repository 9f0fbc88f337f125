"""What the pages for writing show in pictures and stories: templates that somebody saved."""

from api.routes.template_versions import save, source
from loyalty.earning import activate
from loyalty.earning.load import load_rules
from loyalty.template_versions import renamed
from tests.browser.conftest import Console


def two_versions(console: Console) -> str:
    """Two versions of a copy of a shipped template, by a marketer; its name."""
    mei = console.person("marketer")
    shipped = source(console.services, "new_member_bonus").files
    files = renamed(shipped, "new_member_bonus", "spring_welcome")
    save(console.services, "spring_welcome", files, 0, note="A copy to begin with", actor=mei)
    text = files["campaign.yaml"].replace("default: 500", "default: 300")
    files = {**files, "campaign.yaml": text}
    save(console.services, "spring_welcome", files, 1, note="Fewer points", actor=mei)
    return "spring_welcome"


def another_version(console: Console, name: str, old: str, new: str) -> None:
    """What a marketer saves in another browser."""
    newest = source(console.services, name)
    files = {**newest.files, "campaign.yaml": newest.files["campaign.yaml"].replace(old, new)}
    mei, after = console.person("marketer"), newest.version or 0
    save(console.services, name, files, after, note="Meanwhile", actor=mei)


def two_rules(console: Console) -> str:
    """A second version of the earning rules, soon to count; the page's path."""
    programme = console.services.programme
    rules = load_rules("base: {minor: 800}\n", programme.known_events, programme.tz)
    mei = console.person("marketer")
    console.services.store.run(lambda tx: activate.activate(tx, rules, None, mei, after_version=1))
    return "/console/earning-rules"
