from dataclasses import replace
from datetime import UTC, date, datetime

from fleetcast.faces.cli import recalled
from fleetcast.fleet.recall import Deed, Live, Made, Use
from fleetcast.fleet.recall_weeks import CloseCall, FailedOver, Latency

WHEN = datetime(2026, 11, 18, 9, 30, tzinfo=UTC)
DEED = Deed(7, WHEN, "ada", "release.rollback", "release pointer", "bias", "", "cd" * 32, "ab" * 32)


def words(text):
    return " ".join(text.split())


def test_what_was_live_says_since_when_by_whom_and_why(printed):
    text = words(printed(recalled.live(Live(WHEN, "ab" * 32, DEED, None, {"ohio/large/fast": "dev/m"}))))
    assert "● abababababab was live at 2026-11-18 09:30: from 2026-11-18 09:30 until now." in text
    assert "by ada at 2026-11-18 09:30: bias." in text
    assert "ohio/large/fast dev/m" in text


def test_before_the_first_release_nothing_was_live(printed):
    text = printed(recalled.live(Live(WHEN, None, None, WHEN, {})))
    assert "Nothing was live at 2026-11-18 09:30; the first release was at 2026-11-18 09:30." in text


def test_a_forecast_says_what_made_it_and_that_nobody_approved(printed):
    row = {
        "week": date(2026, 11, 23), "store": "S1", "product": "00042", "median": 12.34, "horizon": 1,
        "cycle": date(2026, 11, 16), "failover": "last_known_good",
    }  # fmt: skip
    made = Made(row, "dev/m", "ab" * 32, WHEN, *["cd" * 32] * 4, {"demand": "ef" * 32}, (), (DEED,))
    text = words(printed(recalled.made(made)))
    assert "2026-11-23 S1 00042: 12.3 units (median)" in text
    assert "by the last known good" in text
    assert "table demand efefefefefef" in text
    assert "approved by nobody: none is recorded" in text
    approved = words(printed(recalled.made(replace(made, approvals=(replace(DEED, actor="bob"),)))))
    assert "approved by bob at" in approved


def test_releases_of_which_nobody_can_say_are_told_apart(printed):
    use = Use("ab" * 32, "full", date(2026, 11, 16), "yes", 56, ("2.1.0",), live=True)
    unknown = replace(use, release="cd" * 32, answer="unknown", models=0, versions=(), live=False)
    text = words(printed(recalled.uses([use, unknown], "numpy")))
    assert "abababababab ● live yes 56 2.1.0" in text
    assert "Of 1 release nobody can say" in text
    assert "No release used scipy." in printed(recalled.uses([], "scipy"))


def test_deeds_say_who_what_and_why(printed):
    text = words(printed(recalled.deeds([DEED])))
    assert "7 2026-11-18 09:30:00 ada release.rollback release pointer → abababababab bias" in text
    assert "Nobody did anything by hand." in printed(recalled.deeds([]))


def test_a_late_cycle_is_marked(printed):
    late = Latency("2026w47", WHEN, WHEN, WHEN, WHEN, WHEN, 7325.4, in_time=False)
    text = words(printed(recalled.latency([late])))
    assert "2:02:05 ✕ no" in text
    assert "Nothing was published yet." in printed(recalled.latency([]))


def test_failover_says_who_stood_in_and_why(printed):
    line = FailedOver(
        date(2026, 11, 16), "ohio/large/fast", "last_known_good", "not_loadable", 40, 10, ("dev/m",)
    )
    assert "ohio/large/fast last known good not_loadable 10 40 dev/m" in words(
        printed(recalled.failover([line]))
    )
    assert "Champions forecast everything." in printed(recalled.failover([]))


def test_a_close_call_says_how_close(printed):
    call = CloseCall(
        "dev/m", "mape", 0.4504, 0.45, 0.0004, passed=False, verdict=False, text="MAPE 45.04 % > 45 %"
    )
    assert "dev/m mape ✕ failed" in words(printed(recalled.close_calls([call])))
    assert "No decision was so close." in printed(recalled.close_calls([]))
