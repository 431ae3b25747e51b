"""Channels that could not be used, or would have a secret stand in the settings."""

import re
from collections.abc import Iterator

from fleetcast.settings.positions import Place
from fleetcast.settings.problems import Found
from fleetcast.settings.references import REFERENCE
from fleetcast.settings.tree import AlertSettings, ChannelSettings

_MAILBOX = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+", re.ASCII)
_WEB = re.compile(r"https?://[^\s@?#]+")


def misdirected(alerts: AlertSettings) -> Iterator[Found]:
    """Every contradiction in the settings of alerts; an address is never repeated, whatever it holds."""
    if alerts.link and not _WEB.fullmatch(alerts.link):
        instead = 'write it as "https://fleet.example.com", or leave it out'
        yield Found(("alerts", "link"), "is no address of a web face", instead)
    for name, channel in alerts.channels.items():
        place = ("alerts", "channels", name)
        yield from _address(place, channel)
        yield from _mail(place, channel)
        if not channel.about:
            yield Found((*place, "about"), "names nothing", "leave the channel out, or write what it tells")


def _address(place: Place, channel: ChannelSettings) -> Iterator[Found]:
    if channel.kind == "log":
        if channel.address:
            yield Found((*place, "address"), "is not used by a log", "remove it, or write another kind")
    elif not REFERENCE.fullmatch(channel.address):
        wrong = "is no reference to a secret" if channel.address else "is missing"
        instead = 'write "env:NAME" of an environment variable that holds the address'
        yield Found((*place, "address"), wrong, instead)


def _mail(place: Place, channel: ChannelSettings) -> Iterator[Found]:
    if channel.kind != "email":
        for key in ("sender", "to"):
            if getattr(channel, key):
                yield Found((*place, key), "belongs to e-mail", 'remove it, or write kind = "email"')
        return
    if not channel.to:
        yield Found((*place, "to"), "names nobody", 'write who gets it, as ["ops@example.com"]')
    for index, mailbox in enumerate(channel.to):
        if not _MAILBOX.fullmatch(mailbox):
            yield Found((*place, "to", index), f'"{mailbox}" is no mailbox', 'write it as "ops@example.com"')
    if not _MAILBOX.fullmatch(channel.sender):
        wrong = f'"{channel.sender}" is no mailbox' if channel.sender else "is missing"
        yield Found((*place, "sender"), wrong, 'write who it is from, as "fleet@example.com"')
