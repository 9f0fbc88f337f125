"""E-mail against a real SMTP server: taken, refused, put off, and lost on the way."""

import asyncio

import pytest

from delivery.channels import Permanent, Temporary, Unknown
from delivery.smtp import SmtpChannel, message_id
from tests.delivery.letters import letter, real_time
from tests.delivery.servers import Postbox, mail_server


async def test_a_letter_arrives_as_written(smtp: SmtpChannel, postbox: Postbox) -> None:
    """Chinese subject and text survive the way, and the mail says it was sent by a machine."""
    await smtp.send(letter(subject="欢迎,李", text="500 积分\n已到账。", locale="zh"))

    [mail] = postbox.taken
    assert mail["To"] == "lee@example.com"
    assert mail["From"] == "Corner Shop <points@shop.example>"
    assert mail["Subject"] == "欢迎,李"
    assert mail.get_content().splitlines() == ["500 积分", "已到账。"]
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == "zh"


async def test_a_repeat_is_the_same_mail(smtp: SmtpChannel, postbox: Postbox) -> None:
    """The Message-ID depends on the message alone and does not say who it is for."""
    await smtp.send(letter())
    await smtp.send(letter(text="Other words"))
    await smtp.send(letter(key="another"))

    first, again, other = [mail["Message-ID"] for mail in postbox.taken]
    assert first == again == message_id(letter().key, "points@shop.example")
    assert other != first
    assert "lee" not in first


@pytest.mark.parametrize(
    ("address", "outcome"),
    [
        ("nobody", Permanent),
        ("full", Temporary),
        ("inside", Temporary),
        ("closing", Temporary),
        ("hangup", Temporary),
        ("spam", Permanent),
        ("greylisted", Temporary),
        ("lost", Unknown),
        ("silent", Unknown),
    ],
)
async def test_each_way_it_can_end(
    smtp: SmtpChannel, postbox: Postbox, address: str, outcome: type[Exception]
) -> None:
    """5xx is for good, 4xx may pass, silence after the text is not known; the next letter goes."""
    with pytest.raises(outcome):
        await smtp.send(letter(address=f"{address}@example.com"))

    await smtp.send(letter())
    assert postbox.taken[-1]["To"] == "lee@example.com"


@pytest.mark.parametrize("answer", ["530 log in first", "550 sender not verified", "451 later"])
async def test_a_refused_sender_is_no_messages_end(
    smtp: SmtpChannel, postbox: Postbox, answer: str
) -> None:
    """No member was even named: everything goes out once the operator has mended it."""
    postbox.of_senders = answer
    with pytest.raises(Temporary):
        await smtp.send(letter())

    postbox.of_senders = "250 fine"
    await smtp.send(letter())
    assert len(postbox.taken) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"address": "lee@example.com\r\nBcc: all@example.com"},
        {"address": "李@example.com"},
        {"address": "root,lee@example.com"},
        {"address": "root;lee@example.com"},
        {"address": "(x)root,lee@example.com"},
        {"address": "Lee <lee@example.com>"},
        {"subject": "Hi\r\nBcc: all@example.com"},
    ],
)
async def test_an_address_or_subject_that_says_more_than_it_should_is_refused(
    smtp: SmtpChannel, postbox: Postbox, changes: dict[str, str]
) -> None:
    with pytest.raises(Permanent):
        await smtp.send(letter(**changes))

    assert postbox.taken == []


async def test_connections_are_kept(smtp: SmtpChannel, postbox: Postbox) -> None:
    for page in range(10):
        at_once = (smtp.send(letter(key=f"{page}/{n}")) for n in range(smtp.at_once))
        await asyncio.gather(*at_once)

    assert len(postbox.taken) == 40
    assert len(set(postbox.peers)) <= 4


async def test_no_server_is_weather(unused_tcp_port: int) -> None:
    with pytest.raises(Temporary):
        await SmtpChannel(mail_server(unused_tcp_port), real_time).send(letter())


# --- refusing the next one ----------------------------------------------------------------------

TOKEN = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("locale", "line"),
    [("en", "No more e-mail like this: {}"), ("zh", "不想再收到此类邮件： {}")],
)
async def test_marketing_lets_its_reader_refuse_the_next(
    smtp: SmtpChannel, postbox: Postbox, locale: str, line: str
) -> None:
    """By the mail program's own button in one click, or by the link under the text."""
    await smtp.send(letter(locale=locale, unsubscribe_token=TOKEN))

    [mail] = postbox.taken
    address = f"https://points.shop.example/unsubscribe/{TOKEN}"
    assert mail["List-Unsubscribe"] == f"<{address}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text = mail.get_content().splitlines()
    assert text == ["500 points are waiting.", "", line.format(address)]


async def test_a_long_address_stays_a_link(mail_port: int, postbox: Postbox) -> None:
    """Mail libraries fold and encode long headers; no mail program would follow what is left."""
    begins = f"https://{'points.' * 12}shop.example/members/unsubscribe/"
    channel = SmtpChannel(mail_server(mail_port, begins), real_time)
    await channel.send(letter(unsubscribe_token=TOKEN))
    await channel.close()

    expected = f"\r\nList-Unsubscribe: <{begins}{TOKEN}>\r\n"
    assert expected.encode() in postbox.raw[0]


async def test_one_click_is_for_https_alone(mail_port: int, postbox: Postbox) -> None:
    """So says RFC 8058; the link itself works anywhere."""
    begins = "http://points.shop.example/unsubscribe/"
    channel = SmtpChannel(mail_server(mail_port, begins), real_time)
    await channel.send(letter(unsubscribe_token=TOKEN))
    await channel.close()

    [mail] = postbox.taken
    assert mail["List-Unsubscribe"] == f"<{begins}{TOKEN}>"
    assert "List-Unsubscribe-Post" not in mail


@pytest.mark.parametrize(
    ("begins", "token"), [(None, TOKEN), ("https://shop.example/unsubscribe/", None)]
)
async def test_without_an_address_or_a_link_the_text_is_all(
    mail_port: int, postbox: Postbox, begins: str | None, token: str | None
) -> None:
    """While nobody said where members reach us, and in what members are owed."""
    channel = SmtpChannel(mail_server(mail_port, begins), real_time)
    await channel.send(letter(unsubscribe_token=token))
    await channel.close()

    [mail] = postbox.taken
    assert not [name for name in mail if name.startswith("List-")]
    assert mail.get_content().splitlines() == ["500 points are waiting."]
