import json
from dataclasses import replace
from datetime import UTC, datetime

from fleetcast.alerts import forms
from fleetcast.domain.notices import Message, Notice, Step

LOOK = Step("look at it", "fleetcast incident show 0a1b", "https://fleet.example.com/dev/ops?incident=0a1b")
SAID = Message(
    "incident 0a1b opened", "incident", "kiosks/dev", "Incident opened", ("deliveries: no week",), (LOOK,)
)
NOTICE = Notice("team", datetime(2026, 11, 23, 6, tzinfo=UTC), SAID)


def test_a_text_says_what_happened_and_what_to_type():
    assert forms.text(SAID).splitlines() == [
        "kiosks/dev: Incident opened",
        "deliveries: no week",
        "",
        "look at it: fleetcast incident show 0a1b",
        "  https://fleet.example.com/dev/ops?incident=0a1b",
    ]


def test_a_webhook_gets_all_of_it_under_a_schema_with_a_version():
    assert forms.webhook(NOTICE) == {
        "schema": "fleetcast.notice/1",
        "id": NOTICE.id,
        "at": "2026-11-23T06:00:00+00:00",
        "fleet": "kiosks/dev",
        "topic": "incident",
        "title": "Incident opened",
        "lines": ["deliveries: no week"],
        "steps": [{"words": LOOK.words, "command": LOOK.command, "url": LOOK.url}],
    }


def test_in_slack_a_step_is_a_link_with_its_command():
    head, body, steps = forms.slack(SAID)["blocks"]
    assert head["text"] == {"type": "plain_text", "text": "kiosks/dev: Incident opened"}
    assert body["text"]["text"] == "deliveries: no week"
    assert steps["text"]["text"] == f"<{LOOK.url}|look at it>: `{LOOK.command}`"


def test_nothing_that_comes_from_a_file_calls_anybody_in_slack():
    said = forms.slack(replace(SAID, lines=("<!channel> & <https://evil.example|here>",)))
    assert "<!" not in json.dumps(said)
    assert "&lt;!channel&gt; &amp; " in said["blocks"][1]["text"]["text"]


def test_slack_takes_what_is_long_in_sections_of_a_size_it_allows():
    made = forms.slack(replace(SAID, title="t" * 500, lines=("x" * 5000, *["y" * 90] * 3000)))
    head, *sections = made["blocks"]
    assert len(head["text"]["text"]) == 150
    assert max(len(section["text"]["text"]) for section in sections) <= 3000
    assert len(sections) == 49


def test_no_sign_of_a_name_breaks_a_line_or_a_header():
    odd = replace(SAID, title="a\r\nBcc: eva@example.com\u202e")
    assert forms.headline(odd) == "kiosks/dev: a  Bcc: eva@example.com "
    assert (
        forms.mail(replace(NOTICE, message=odd), sender="f@example.com", to=["o@example.com"])["Bcc"] is None
    )


def test_an_e_mail_that_is_sent_twice_is_the_same():
    made = [forms.mail(NOTICE, sender="fleet@example.com", to=["o@example.com"]) for _ in range(2)]
    assert made[0].as_bytes() == made[1].as_bytes()
    assert made[0]["Message-ID"] == f"<{NOTICE.id}@example.com>"
