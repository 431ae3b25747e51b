"""A notice in the form that its channel takes: text, JSON for programs, Slack's blocks, an e-mail."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any

from fleetcast.domain.notices import Message, Notice, Step

SCHEMA = "fleetcast.notice/1"  # what a webhook gets; a field that changes its meaning makes it 2
_HEADER, _SECTION, _BLOCKS = 150, 3000, 50  # what Slack takes: characters, characters, blocks


def headline(message: Message) -> str:
    return _plain(f"{message.fleet}: {message.title}")


def text(message: Message) -> str:
    """All of it, as a person reads it."""
    parts = [headline(message), *map(_plain, message.lines)]
    if message.steps:
        parts += ["", *(f"{step.words}: {step.command}{_beside(step)}" for step in message.steps)]
    return "\n".join(parts)


def webhook(notice: Notice) -> dict[str, Any]:
    """For programs: `id` is the same however often it is sent."""
    said = notice.message
    return {
        "schema": SCHEMA,
        "id": notice.id,
        "at": notice.at.isoformat(),
        "fleet": said.fleet,
        "topic": said.topic,
        "title": said.title,
        "lines": list(said.lines),
        "steps": [asdict(step) for step in said.steps],
    }


def slack(message: Message) -> dict[str, Any]:
    """Blocks for Slack; `text` has the whole of it, for notifications and for servers that know no blocks."""
    head = {"type": "plain_text", "text": _cut(headline(message), _HEADER)}
    body = [_escaped(_plain(line)) for line in message.lines]
    steps = [_slack_step(step) for step in message.steps]
    sections = [
        {"type": "section", "text": {"type": "mrkdwn", "text": part}}
        for part in (*_joined(body), *_joined(steps))
    ]
    return {
        "text": _escaped(text(message)),
        "blocks": [{"type": "header", "text": head}, *sections][:_BLOCKS],
    }


def mail(notice: Notice, *, sender: str, to: Sequence[str]) -> EmailMessage:
    """An e-mail in plain text; sent twice, it is the same e-mail."""
    made = EmailMessage()
    made["Subject"] = headline(notice.message)
    made["From"] = Address("Fleetcast", addr_spec=sender)
    made["To"] = ", ".join(to)
    made["Date"] = notice.at
    made["Message-ID"] = f"<{notice.id}@{sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"  # no answer from whoever is on holiday
    made.set_content(text(notice.message))
    return made


def _slack_step(step: Step) -> str:
    words = _escaped(step.words)
    return f"{f'<{step.url}|{words}>' if step.url else words}: `{_escaped(step.command)}`"


def _beside(step: Step) -> str:
    return f"\n  {step.url}" if step.url else ""


def _joined(lines: Iterable[str]) -> Iterator[str]:
    """Lines together, as many as fit into a section."""
    section = ""
    for line in lines:
        cut = _cut(line, _SECTION)
        if section and len(section) + 1 + len(cut) > _SECTION:
            yield section
            section = cut
        else:
            section = f"{section}\n{cut}" if section else cut
    if section:
        yield section


def _plain(line: str) -> str:
    """One line: names of files and columns come from outside, and may hold anything."""
    return "".join(sign if sign.isprintable() else " " for sign in line)


def _cut(line: str, most: int) -> str:
    return line if len(line) <= most else line[: most - 1] + "…"


def _escaped(line: str) -> str:
    """Nothing in a text is a link or calls anybody."""
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
