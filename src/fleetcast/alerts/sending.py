"""Sending a notice over its channel, whatever kind that is."""

from collections.abc import Mapping

from fleetcast.alerts import forms, mailing, posting
from fleetcast.alerts.patience import within
from fleetcast.alerts.unsent import NotSent
from fleetcast.domain.notices import Notice
from fleetcast.settings import ChannelSettings
from fleetcast.telemetry import get_logger

log = get_logger()


def send(notice: Notice, channel: ChannelSettings, *, seconds: float, environment: Mapping[str, str]) -> None:
    """Send it within so many seconds; NotSent says why it did not get there. `environment` has the addresses."""
    if channel.kind == "log":
        log.info("told", topic=notice.message.topic, id=notice.id, text=forms.text(notice.message))
        return
    where = address(channel, environment)
    match channel.kind:
        case "email":
            made = forms.mail(notice, sender=channel.sender, to=channel.to)
            within(seconds, lambda: mailing.mail(where, made, seconds=seconds))
        case "slack":
            within(seconds, lambda: posting.post(where, forms.slack(notice.message), seconds=seconds))
        case "webhook":
            within(seconds, lambda: posting.post(where, forms.webhook(notice), seconds=seconds))


def address(channel: ChannelSettings, environment: Mapping[str, str]) -> str:
    """Where a channel is: a secret, not to be repeated; NotSent where nobody has set it."""
    name = channel.address.removeprefix("env:")
    if not environment.get(name):
        raise NotSent(f"the environment variable {name}, which holds its address, is not set")
    return environment[name].strip()
