"""What operations do besides going back to an earlier release: lift a hold, try whether alerts arrive."""

from fleetcast.domain.errors import InfrastructureError, UsageError
from fleetcast.faces.web.deeds import Deed, Field, Question, Sent, reason, told
from fleetcast.faces.web.page import Visit
from fleetcast.faces.web.words import say
from fleetcast.fleet import holding, outbox
from fleetcast.reading import operations as reading


def _ask_lift(visit: Visit) -> Question:
    held = reading.held(visit.w)
    if held is None:
        raise UsageError(say("steer.nothing_held"))
    return Question(
        section="ops",
        title=say("steer.lift"),
        button=say("steer.lift_do"),
        back=visit.at("/ops"),
        facts=(held.reason, say("steer.lift_what")),
        fields=(reason(),),
    )


def _lift(visit: Visit, sent: Sent) -> str:
    holding.lift(visit.w, actor=visit.name, reason=sent["reason"])
    return told(visit.at("/ops"), "lifted")


def _ask_test(visit: Visit) -> Question:
    channels = visit.w.settings.alerts.channels
    if not channels:
        raise UsageError(say("steer.no_channel"))
    choices = [(name, f"{name} · {channel.kind}") for name, channel in channels.items()]
    return Question(
        section="ops",
        title=say("steer.test"),
        button=say("steer.test_do"),
        back=visit.at("/ops"),
        facts=(say("steer.test_what"),),
        fields=(Field("channel", say("steer.channel"), choices[0][0], required=True, choices=choices),),
    )


def _test(visit: Visit, sent: Sent) -> str:
    failed = [notice for notice in outbox.try_out(visit.w, sent["channel"]) if notice.sent is None]
    if failed:
        raise InfrastructureError(f"{failed[0].channel}: {failed[0].error}")
    return told(visit.at("/ops"), "tested")


LIFT = Deed(_ask_lift, _lift)
TEST = Deed(_ask_test, _test)
