"""What people are told of a fleet, over a real channel; and that a channel which is down stops nobody."""

import io
from contextlib import ExitStack
from dataclasses import replace
from datetime import date, timedelta

import pytest

from fleetcast import telemetry
from fleetcast.domain.errors import PolicyRefusal, UsageError
from fleetcast.domain.incidents import Signal
from fleetcast.fleet import doctor, incidents, outbox, releases, telling
from fleetcast.fleet.report import Held
from fleetcast.testing.hooks import Hook, serving
from fleetcast.testing.kiosks import LAST, WEDNESDAY, opened, run_week

LATER = WEDNESDAY + timedelta(minutes=1)
LATE = Signal("late", "deliveries", LAST, "no week of 2026-11-09 yet", "alarm")


@pytest.fixture
def hooks(chain, monkeypatch):
    """Give the chain channels by name, each with a server that takes what it is told."""
    telling.deliver(opened(chain))  # what its first week told a log
    with ExitStack() as running:

        def add(*names, **settings) -> list[Hook]:
            made = []
            with (chain / "fleetcast.toml").open("a", encoding="utf-8") as file:
                for name in names:
                    hook = running.enter_context(serving(Hook()))
                    monkeypatch.setenv(name.upper(), hook.url)
                    lines = {"kind": "webhook", "address": f"env:{name.upper()}", **settings}
                    file.write(f"\n[alerts.channels.{name}]\n")
                    file.writelines(f"{key} = {value!r}\n" for key, value in lines.items())
                    made.append(hook)
            return made

        yield add


@pytest.fixture
def log():
    written = io.StringIO()
    telemetry.configure(written, clock=lambda: WEDNESDAY)
    yield written
    telemetry.configure(None, clock=lambda: WEDNESDAY)


def titles(hook):
    return [one["title"] for one in hook.got]


def notices(w, **asked):
    with w.ledger.view() as view:
        return [one for one in view.notices(**asked) if one.channel != "log"]


def changed(folder):
    """Other code than the live release's, which trains anew."""
    path = folder / "src" / "kiosks" / "conditioners" / "stores.py"
    path.write_text(path.read_text("utf-8") + "\n# now\n", "utf-8")


# ---------------------------------------------------------------- of a cycle


def told(w, report, changes=()):
    """As at the end of a cycle."""
    telling.of_cycle(w, report, changes)
    telling.deliver(w)


def test_a_week_is_told_in_two_messages_however_often_it_is_done(chain, first_week, hooks):
    (team,) = hooks("team")
    for _ in range(2):
        told(opened(chain), first_week[1])
    assert sorted(titles(team)) == [
        "4 of 4 models of 2026w46 passed the gate",
        "The week of 2026-11-09: 16 of 16 series published",
    ]


def test_the_digest_says_what_was_published_how_good_it_is_and_what_it_took(chain, first_week, hooks):
    (team,) = hooks("team", about=["digest"])
    w = opened(chain)
    changes = incidents.follow(w, [LATE], week=LAST, actor="scheduler")
    incidents.acknowledge(w, changes[0].incident.id, actor="eva", owner=None, note="")
    told(w, first_week[1], changes)
    (digest,) = team.got
    beginnings = [
        "Forecasts by 16 champion.",
        "MAPE ",
        "Largest MAPE: ",
        "Retrained: 4 of 4 models: has no model (4)",
    ]
    beginnings += ["Incidents: 1 stand; this week 1 opened.", "  late deliveries since 2026-11-09, eva looks"]
    for begins, line in zip([*beginnings, "Cost: "], digest["lines"], strict=True):
        assert line.startswith(begins)


def test_the_digest_of_a_week_that_is_held_says_so_first(chain, first_week, hooks):
    (team,) = hooks("team", about=["digest"])
    held = Held(LAST, WEDNESDAY, "3 of 4 dev champions would fail over at once")
    told(opened(chain), replace(first_week[1], held=held))
    (digest,) = team.got
    assert digest["lines"][0] == f"Held since {WEDNESDAY:%-d %b %Y %H:%M} UTC: {held.reason}."


def test_a_week_of_which_nothing_is_published_has_no_digest(chain, first_week, hooks):
    (team,) = hooks("team", about=["digest"])
    nothing = replace(first_week[1].series, published=0)
    told(opened(chain), replace(first_week[1], series=nothing))
    assert team.got == []


# ---------------------------------------------------------------- of incidents


def test_an_incident_is_told_when_it_opens_and_when_it_is_over(chain, hooks):
    (team,) = hooks("team")
    w = opened(chain)
    for week in (LAST, LAST, LAST + timedelta(weeks=2)):
        incidents.follow(w, [LATE] if week == LAST else [], week=week, actor="scheduler")
        telling.deliver(w)
    assert titles(team) == ["Incident opened: late deliveries (alarm)", "Incident over: late deliveries"]
    (found,) = incidents.every(w)
    commands = [step["command"] for step in team.got[0]["steps"]]
    assert commands == [
        f"fleetcast incident show {found.id} --env dev",
        f"fleetcast incident acknowledge {found.id} --env dev",
    ]


def test_many_incidents_at_once_are_one_message(chain, hooks):
    (team,) = hooks("team")
    w = opened(chain)
    many = [Signal("drift", f"east/large/{number}", LAST, "moved") for number in range(30)]
    incidents.follow(w, many, week=LAST, actor="scheduler")
    telling.deliver(w)
    (told,) = team.got
    assert (told["title"], len(told["lines"]), told["lines"][-1]) == (
        "Incidents: 30 opened",
        21,
        "… and 10 more",
    )


def test_a_channel_is_told_only_of_the_kinds_and_the_severity_it_asks_for(chain, hooks):
    (alarms,) = hooks("alarms", severity="alarm")
    (drifts,) = hooks("drifts", kinds=["drift"])
    w = opened(chain)
    signals = [LATE, Signal("drift", "east/large/fast", LAST, "moved"), Signal("stale", "fleet", LAST, "old")]
    incidents.follow(w, signals, week=LAST, actor="scheduler")
    telling.deliver(w)
    assert titles(alarms) == ["Incident opened: late deliveries (alarm)"]
    assert titles(drifts) == ["Incident opened: drift east/large/fast"]


def test_where_there_is_a_web_face_messages_have_its_pages(chain, hooks):
    with (chain / "fleetcast.toml").open("a", encoding="utf-8") as file:
        file.write('\n[alerts]\nlink = "https://fleet.example.com/"\n')
    (team,) = hooks("team")
    w = opened(chain)
    (change,) = incidents.follow(w, [LATE], week=LAST, actor="scheduler")
    telling.deliver(w)
    page = f"https://fleet.example.com/dev/ops?incident={change.incident.id}"
    assert [step["url"] for step in team.got[0]["steps"]] == [page, ""]


# ---------------------------------------------------------------- of releases


def test_who_may_approve_a_release_is_told_with_the_command(chain, hooks):
    (chain / "policy.toml").write_text(
        'schema = 1\n[promotion.dev]\napprovals = 1\npeople = ["ben"]\n', "utf-8"
    )
    run_week(chain, LATER)  # the policy that judges is that of the live release
    changed(chain)
    (team,) = hooks("team", about=["approval"])
    report = run_week(chain, LATER)
    w = opened(chain, LATER)
    assert report.awaiting
    with pytest.raises(PolicyRefusal):
        releases.promote(w, report.release, actor="ada", reason="please")
    (asked,) = team.got  # once, though it was refused twice
    assert asked["lines"] == ["code changed: it needs 1 approvals, and has 0", "Who may approve it: ben."]
    approve = f"fleetcast release approve {report.release[:12]} --key FILE --env dev"
    assert approve in [step["command"] for step in asked["steps"]]


def test_what_becomes_live_and_going_back_are_told_with_the_reason(chain, hooks):
    (team,) = hooks("team", about=["release"])
    changed(chain)
    w, report = opened(chain, LATER), run_week(chain, LATER)
    releases.rollback(w, None, actor="ana", reason="twice too high")
    live = w.ledger.pointer()
    *of_the_week, second = titles(team)  # those of one moment come in any order
    live_then, live_now = (f"Release {name[:12]} is live" for name in (report.release, live))
    assert sorted(of_the_week) == ["4 of 4 models of 2026w46 passed the gate", live_then]
    assert second == live_now
    assert team.got[2]["lines"] == [f"Instead of {report.release[:12]}, by ana: twice too high"]


def test_a_model_that_is_quarantined_is_told_with_what_serves_instead(chain, hooks):
    (team,) = hooks("team")
    done = releases.quarantine(opened(chain), "east/large/fast", actor="ana", reason="twice too high")
    (told,) = team.got
    assert told["title"] == f"Model {done.model} is quarantined"
    assert told["lines"][1] == f"east/large/fast is served by {done.served['east/large/fast']}"


# ---------------------------------------------------------------- channels that are down


def test_what_cannot_be_sent_stops_nobody_and_goes_out_when_the_channel_is_back(chain, first_week, hooks):
    (team,) = hooks("team")
    team.status = 503
    told(opened(chain), first_week[1])
    assert [one.error for one in notices(opened(chain))] == ["it answered 503 Service Unavailable"] * 2
    assert len(team.got) == 1  # the other one would only have waited for the same
    team.status = 200
    telling.deliver(opened(chain))
    assert len(team.got) == 1  # they rest
    telling.deliver(opened(chain, LATER))
    assert len(team.got) == 3
    assert notices(opened(chain), waiting=True) == []


def test_all_that_waits_can_be_sent_at_once(chain, hooks):
    (team,) = hooks("team")
    team.status = 503
    w = opened(chain)
    incidents.follow(w, [LATE], week=LAST, actor="scheduler")
    telling.deliver(w)
    team.status = 200
    assert [one.standing for one in outbox.send(w)] == ["sent"]
    assert outbox.send(w) == []


def test_channels_that_never_answer_take_no_more_than_their_time_and_none_of_another_s(chain, hooks):
    with (chain / "fleetcast.toml").open("a", encoding="utf-8") as file:
        file.write("\n[alerts]\nseconds = 0.6\n")
    hung, gone, team = hooks("hung", "gone", "team")
    hung.stalls = gone.stalls = True
    w = opened(chain)
    incidents.follow(w, [LATE], week=LAST, actor="scheduler")
    telling.deliver(w)
    assert len(team.got) == 1
    assert {one.channel: one.error for one in notices(w, waiting=True)} == {
        "hung": "no answer in time",
        "gone": "no answer in time",
    }


def test_what_a_channel_does_not_take_holds_up_nothing_else(chain, hooks):
    (team,) = hooks("team")
    w = opened(chain)
    incidents.follow(w, [LATE], week=LAST, actor="scheduler")
    team.status = 400
    telling.deliver(w)
    incidents.follow(w, [], week=LAST + timedelta(weeks=2), actor="scheduler")
    outbox.send(w)
    assert titles(team)[1:] == ["Incident over: late deliveries", "Incident opened: late deliveries (alarm)"]


def test_after_a_week_it_is_tried_a_last_time_and_given_up_aloud(chain, hooks, log):
    (team,) = hooks("team")
    team.status = 503
    incidents.follow(opened(chain), [LATE], week=LAST, actor="scheduler")
    for days in (1, 8, 9):
        telling.deliver(opened(chain, WEDNESDAY + timedelta(days=days)))
    (found,) = notices(opened(chain))
    assert (found.standing, found.tries, len(team.got)) == ("given up", 2, 2)
    assert '"event": "given_up"' in log.getvalue()


def test_a_channel_that_is_no_more_keeps_nothing_waiting_for_good(chain, hooks, monkeypatch):
    hooks("team")
    incidents.follow(opened(chain), [LATE], week=LAST, actor="scheduler")
    settings = chain / "fleetcast.toml"
    settings.write_text(settings.read_text("utf-8").replace("channels.team", "channels.crew"), "utf-8")
    w = opened(chain, WEDNESDAY + timedelta(days=8))
    telling.deliver(w)
    (found,) = notices(w)
    assert (found.standing, "no such channel" in found.error) == ("given up", True)


def test_while_another_process_sends_this_one_leaves_it_to_it(chain, hooks):
    (team,) = hooks("team")
    w = opened(chain)
    incidents.follow(w, [LATE], week=LAST, actor="scheduler")
    with opened(chain, WEDNESDAY).ledger.lease("alerts", "another", 60):
        telling.deliver(w)
        assert team.got == []
    telling.deliver(w)
    assert len(team.got) == 1


def test_no_address_is_kept_or_logged(chain, hooks, log):
    (team,) = hooks("team")
    w = opened(chain)
    for status in (503, 200):
        team.status = status
        outbox.try_out(w, None)
        incidents.follow(w, [LATE], week=LAST, actor="scheduler")
        outbox.send(w)
    assert len(team.got) == 4
    kept = b"".join(path.read_bytes() for path in w.state.glob("ledger.db*"))
    assert b"s3cr3t" not in kept
    assert "s3cr3t" not in log.getvalue()


# ---------------------------------------------------------------- tests


def test_a_test_alert_says_of_each_channel_whether_it_got_there(chain, hooks):
    well, ill = hooks("well", "ill")
    ill.status = 404
    w = opened(chain)
    assert [(one.channel, one.standing, one.error) for one in outbox.try_out(w, None)] == [
        ("well", "sent", ""),
        ("ill", "waiting", "it answered 404 Not Found"),
    ]
    assert (titles(well), notices(w)) == (["A test"], [])


def test_a_channel_that_is_named_is_tested_whatever_it_is_about(chain, hooks):
    hooks("team", about=["digest"])
    w = opened(chain)
    assert outbox.try_out(w, None) == []
    assert [one.standing for one in outbox.try_out(w, "team")] == ["sent"]
    with pytest.raises(UsageError, match="no channel 'crew'"):
        outbox.try_out(w, "crew")


def test_an_address_that_is_nowhere_is_told_by_the_name_of_its_variable(chain, hooks, monkeypatch):
    hooks("team")
    monkeypatch.delenv("TEAM")
    (tried,) = outbox.try_out(opened(chain), "team")
    assert tried.error == "the environment variable TEAM, which holds its address, is not set"


def test_the_doctor_says_which_channel_has_no_address_here(chain, hooks, monkeypatch):
    hooks("team", "duty")
    monkeypatch.delenv("DUTY")
    found = {check.name: check for check in doctor.examine(opened(chain)) if "channel" in check.name}
    assert (found["channel team"].well, found["channel duty"].well) == (True, False)
    assert "s3cr3t" not in str(found)


def test_by_default_a_log_is_told(chain, log):
    w = opened(chain)
    incidents.follow(w, [LATE], week=date(2026, 11, 9), actor="scheduler")
    telling.deliver(w)
    assert "Incident opened: late deliveries (alarm)" in log.getvalue()


def test_a_log_that_is_told_something_is_written_also_where_nothing_else_is_logged(chain):
    w = opened(chain)
    releases.quarantine(w, "east/large/fast", actor="ana", reason="twice too high")
    assert "is quarantined" in w.log.read_text("utf-8")
