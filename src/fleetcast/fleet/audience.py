"""Who is told: the channels whose settings ask for a topic, and for incidents of a kind and severity."""

from collections.abc import Iterator, Mapping, Sequence

from fleetcast.domain.notices import Message
from fleetcast.fleet import wording
from fleetcast.fleet.wording import Place
from fleetcast.monitoring.incidents import Change
from fleetcast.settings import ChannelSettings

Channels = Mapping[str, ChannelSettings]


def of(channels: Channels, *messages: Message) -> Iterator[tuple[str, Message]]:
    """Each message for each channel that is about such things."""
    for name, channel in channels.items():
        yield from ((name, message) for message in messages if message.topic in channel.about)


def of_incidents(
    channels: Channels, place: Place, changes: Sequence[Change]
) -> Iterator[tuple[str, Message]]:
    """What became of incidents, for each channel in as few messages as it can be told in."""
    for name, channel in channels.items():
        if "incident" in channel.about:
            wanted = [change for change in changes if _wants(channel, change)]
            yield from ((name, message) for message in wording.incidents(place, wanted))


def _wants(channel: ChannelSettings, change: Change) -> bool:
    one = change.incident
    return (not channel.kinds or one.kind in channel.kinds) and channel.severity in ("warning", one.severity)
