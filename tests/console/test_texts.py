"""Both languages are complete: no text without Chinese, none left over, none outside the files."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from api.console.language import catalogues, speech_in
from api.console.words import WORDS
from api.console.words import said as called
from tests.console.catalogue import FOLDER, Text, texts

TEMPLATES = sorted((FOLDER / "templates").glob("*.html"))
_NAMED = re.compile(r"%\((\w+)\)s")
_OWN_NAMES = {"Milepost", "Temporal"}


def _chinese() -> dict[Text, tuple[str, ...]]:
    found: dict[Text, tuple[str, ...]] = {}
    for path, catalogue in catalogues("zh").items():
        for message in catalogue:
            if not message.id:
                continue
            said = message.string if isinstance(message.string, tuple | list) else [message.string]
            texts = tuple(each or "" for each in said)
            id = tuple(message.id) if isinstance(message.id, tuple | list) else message.id
            assert id not in found or found[id] == texts, f"{path.name}: {id} said twice"
            found[id] = texts
    return found


def test_every_text_has_its_chinese_and_none_is_left_over() -> None:
    """Add what is missing to `locale/zh/<area>.po`; take out what no page says any more."""
    chinese = _chinese()
    used = dict(texts())
    missing = {text: where for text, where in used.items() if not all(chinese.get(text, ("",)))}
    unused = [text for text in chinese if text not in used]

    assert missing == {}
    assert unused == []


def test_chinese_texts_name_the_same_figures() -> None:
    """What the English sentence fills in, the Chinese one fills in too, and nothing else."""
    wrong = []
    for id, said in _chinese().items():
        forms = id if isinstance(id, tuple) else (id,)
        allowed = {name for form in forms for name in _NAMED.findall(form)}
        named = {name for form in said for name in _NAMED.findall(form)}
        if named - {"num"} != allowed - {"num"}:
            wrong.append(id)

    assert wrong == []


def test_states_and_roles_are_said_in_chinese() -> None:
    """The one table of words is translated like any other text."""
    speech = speech_in("zh")
    words = {said for kind in WORDS.values() for said, _ in kind.values()}

    assert {said for said in words if speech.gettext(said) == said} - _OWN_NAMES == set()


@pytest.mark.parametrize(
    ("kind", "code", "chinese"),
    [
        ("hits", "run", "流程"),
        ("run", "held", "已暂停"),
        ("repair_outcome", "recorded", "已入账"),
        ("recorded_in", "operator", "运营人员"),
        ("role", "operator", "运营人员"),
    ],
)
def test_a_word_means_in_chinese_what_it_means_there(kind: str, code: str, chinese: str) -> None:
    """One English word may head a column of figures and name a state; the Chinese ones differ."""
    assert called(speech_in("zh"), kind, code) == chinese


@pytest.mark.parametrize("other", ["运维人员", "停发名单", "启动之前", "启动时目标", "活动或旅程"])
def test_a_thing_has_one_name_in_chinese(other: str) -> None:
    """Operators are 运营人员, the stop list 免打扰名单, a launch 上线 and a run 流程."""
    root = FOLDER.parents[1]
    files = [*(root / "api").rglob("*.p[oy]"), *(root / "loyalty").rglob("*.py")]
    assert [each.name for each in files if other in each.read_text()] == []


class _Outside(HTMLParser):
    """Collects texts that stand in the template itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._skipped = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._skipped += tag in ("script", "style")
        for name, value in attrs:
            if name in ("title", "placeholder", "alt", "aria-label"):
                self._see(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._skipped -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self._see(data)

    def _see(self, text: str) -> None:
        words = set(re.findall(r"[^\W\d_]{2,}", text)) - _OWN_NAMES
        if words:
            self.found.append(" ".join(text.split()))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_a_text_of_its_own(path: Path) -> None:
    """Whatever people read goes through `_()`, so that it exists in both languages."""
    # How dense a page is: a class of the layout, not a text.
    source = path.read_text().replace("{% block density %}dense{% endblock %}", "")
    parser = _Outside()
    parser.feed(re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", " ", source, flags=re.DOTALL))
    tree = Environment(extensions=["jinja2.ext.i18n", "jinja2.ext.do"]).parse(source)
    given = [
        value.value
        for call in tree.find_all(nodes.Call)
        if not (
            isinstance(call.node, nodes.Name) and call.node.name in ("_", "gettext", "ngettext")
        )
        for value in [*call.args, *(each.value for each in call.kwargs)]
        if isinstance(value, nodes.Const) and isinstance(value.value, str)
    ]

    assert parser.found == []
    assert [text for text in given if re.match(r"[A-Z][a-z]+", text)] == []
