"""Ingestion: what a cycle does about sources that are pulled, and about those that are late."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from typer.testing import CliRunner

from fleetcast.domain.errors import InfrastructureError, UsageError
from fleetcast.domain.tables import DELIVERIES, EVENTS, WEATHER
from fleetcast.faces.cli.app import app
from fleetcast.fleet import doctor, ingesting
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.fleet.steps import Steps
from fleetcast.settings.local import local
from fleetcast.testing.kiosks import LAST, SETTINGS, WEDNESDAY, kiosks, opened, write_file, write_workspace
from fleetcast.testing.server import Reply, serving

EAST = kiosks(regions=("east",), weeks=30)
PULL = """
[sources.deliveries.pull]
url = "{url}/deliveries.csv"
headers = {{ Authorization = "Bearer {{env:SHOP_TOKEN}}" }}
"""


@pytest.fixture
def server():
    with serving() as server:
        yield server


@pytest.fixture
def shop(server, tmp_path, monkeypatch):
    """A chain whose deliveries are pulled from the server, and whose master data lie in folders."""
    monkeypatch.setenv("SHOP_TOKEN", "t0ken")
    folder = write_workspace(tmp_path / "shop", EAST, settings=SETTINGS)
    settings = folder / "fleetcast.toml"
    text = settings.read_text("utf-8").replace('path = "data/deliveries/*.csv"\n', "")
    settings.write_text(text + PULL.format(url=server.url), "utf-8")
    tell(server)
    return folder


def tell(server, frame=EAST["deliveries"]):
    server.at("/deliveries.csv", Reply(frame.write_csv().encode()))


def ingest(folder, *sources, at=WEDNESDAY, again=False):
    found = ingesting.ingest(opened(folder, at), sources, again=again, progress=Silent(), actor="test")
    return {one.source: one for one in found}


def condition(folder, at=WEDNESDAY):
    return run_cycle(opened(folder, at), only="condition", progress=Silent(), actor="test")


def edit(folder, old, new):
    settings = folder / "fleetcast.toml"
    assert old in settings.read_text("utf-8")
    settings.write_text(settings.read_text("utf-8").replace(old, new), "utf-8")


def declare(folder, **keys):
    edit(
        folder,
        "[sources.deliveries]\n",
        "[sources.deliveries]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items()),
    )


def test_what_is_pulled_is_conditioned_like_what_lies_in_folders(shop, tmp_path):
    condition(shop)
    beside = write_workspace(tmp_path / "beside", EAST, settings=SETTINGS)
    condition(beside)
    pulled, lying = (opened(folder).lake.read(DELIVERIES) for folder in (shop, beside))
    assert pulled.equals(lying)


def test_a_source_is_asked_once_a_day_and_again_when_told_to(shop, server):
    states = [
        ingest(shop)["deliveries"].state,
        ingest(shop)["deliveries"].state,
        ingest(shop, again=True)["deliveries"].state,
        ingest(shop, at=WEDNESDAY + timedelta(days=1))["deliveries"].state,
    ]
    assert states == ["new", "not_due", "unchanged", "unchanged"]
    assert len(server.asked) == 3


def test_environments_share_what_was_pulled(shop, server):
    ingest(shop)
    edit(shop, "[execution]", "[environments.prod]\ncheckout = true\n\n[execution]")
    w = opened(shop, environment="prod")
    (deliveries, *_) = ingesting.ingest(w, progress=Silent(), actor="test")
    assert (deliveries.state, len(server.asked)) == ("not_due", 1)


def test_one_source_that_fails_stops_no_other_and_loses_nothing(shop, server):
    condition(shop)
    before = opened(shop).lake.read(DELIVERIES)
    server.at("/deliveries.csv", Reply(status=403))
    made = condition(shop, WEDNESDAY + timedelta(days=1))
    (deliveries,) = made.intake
    assert (deliveries.state, made.sources[0].rows) == ("failed", EAST["deliveries"].height)
    assert "it answers 403; check the secret" in deliveries.error
    assert opened(shop).lake.read(DELIVERIES).equals(before)


def test_a_source_that_failed_is_asked_again_by_the_next_run(shop, server):
    server.at("/deliveries.csv", Reply(status=403), Reply(EAST["deliveries"].write_csv().encode()))
    assert [ingest(shop)["deliveries"].state for _ in range(2)] == ["failed", "new"]


def test_where_nothing_ever_came_of_what_is_required_the_cycle_says_why(shop, server):
    server.at("/deliveries.csv", Reply(status=404))
    with pytest.raises(InfrastructureError, match=r"nothing has ever come of the source deliveries: .*404"):
        condition(shop)


def test_a_missing_secret_is_a_failure_that_names_it_and_a_present_one_is_never_told(
    shop, server, monkeypatch
):
    server.at("/deliveries.csv", Reply(status=401))
    failed = ingest(shop)["deliveries"]
    assert "t0ken" not in failed.error
    monkeypatch.delenv("SHOP_TOKEN")
    assert "the environment variable SHOP_TOKEN is not set" in ingest(shop)["deliveries"].error


def test_the_ledger_keeps_what_each_source_had_to_say(shop):
    ingest(shop)
    ledger, bank = opened(shop).ledger, opened(shop).bank
    (step,) = [record for record in ledger.steps("data") if record.step == "ingest"]
    (said,) = Steps("data", ledger, bank).result(step.output_digest)
    assert (said["source"], said["state"], said["files"]) == ("deliveries", "new", 1)


def test_a_correction_that_is_pulled_is_known_from_when_it_came(shop, server):
    condition(shop)
    frame = EAST["deliveries"]
    tell(server, frame.with_columns(delivered=frame["delivered"] + 1))
    later = WEDNESDAY + timedelta(days=1)
    condition(shop, later)
    rows = opened(shop).lake.read(DELIVERIES)
    assert rows.height == 2 * frame.height
    assert rows["known_at"].max() == later


def test_a_pull_that_was_killed_before_it_was_remembered_changes_nothing_when_it_is_done_again(shop):
    condition(shop)
    before = opened(shop).lake.read(DELIVERIES)
    (shop / ".fleetcast" / "raw" / "pulls" / "deliveries.json").unlink()
    made = condition(shop, WEDNESDAY + timedelta(hours=1))
    assert (made.sources[0].files, made.sources[0].duplicates) == (2, EAST["deliveries"].height)
    assert opened(shop).lake.read(DELIVERIES).equals(before)


def test_without_a_source_that_is_pulled_nothing_is_recorded(tmp_path):
    folder = write_workspace(tmp_path / "plain", EAST, settings=SETTINGS)
    made = condition(folder)
    assert made.intake == ()
    assert {record.step for record in opened(folder).ledger.steps("data")} == {"condition"}


def test_a_source_nobody_declared_is_named(shop):
    with pytest.raises(UsageError, match="no source 'sales'; the settings have deliveries, products, stores"):
        ingest(shop, "sales")


def test_folders_are_taken_in_by_the_same_verb(shop):
    assert ingest(shop, "stores") == {"stores": ingesting.Intake("stores", "new", 1)}
    write_file(shop, "stores", EAST["stores"].head(1), "second")
    assert ingest(shop)["stores"].files == 1
    assert ingest(shop, "stores")["stores"].state == "unchanged"


def test_a_folder_without_its_files_is_a_failure_of_that_source_alone(shop):
    (shop / "data" / "stores" / "first.csv").unlink()
    found = ingest(shop)
    assert {name: one.state for name, one in found.items()} == {
        "deliveries": "new",
        "stores": "failed",
        "products": "new",
    }


def test_the_verb_prints_what_each_source_had_to_say(shop, server, monkeypatch):
    words = ["ingest", "deliveries", "--workspace", str(shop), "--json"]
    made = CliRunner().invoke(app, words)
    assert json.loads(made.stdout)[0] == {
        "source": "deliveries", "state": "new", "files": 1, "error": "", "late_since": None
    }  # fmt: skip
    server.at("/deliveries.csv", Reply(status=403))
    refused = CliRunner().invoke(app, ["ingest", "--again", "--workspace", str(shop)])
    assert refused.exit_code == 3
    assert "it answers 403; check the secret" in " ".join(refused.stdout.split())


def test_the_doctor_counts_what_was_pulled_and_misses_a_secret(shop, monkeypatch):
    def deliveries():
        return next(check for check in doctor.examine(opened(shop)) if check.name == "source deliveries")

    ingest(shop)
    assert deliveries().detail == "1 file, conditioner deliveries"
    monkeypatch.delenv("SHOP_TOKEN")
    assert not deliveries().well
    assert "SHOP_TOKEN is not set" in deliveries().detail


READY = """
[sources.holidays.pull]
holidays = {{ places = {{ all = "US", east = "US-TX" }}, first_year = 2025 }}
[sources.weather_observed.pull]
url = "{url}/weather"
weather = {{ kind = "observed", places = "places.csv", first_day = "2026-10-05" }}
[sources.weather_forecast.pull]
url = "{url}/weather"
weather = {{ kind = "forecast", places = "places.csv", ahead_days = 7 }}
"""


def as_open_meteo(asked):
    first, last = (date.fromisoformat(asked.query[key]) for key in ("start_date", "end_date"))
    days = [str(first + timedelta(days=n)) for n in range((last - first).days + 1)]
    daily = {"time": days, "temperature_2m_mean": [7.5] * len(days), "precipitation_sum": [0] * len(days)}
    units = {"temperature_2m_mean": "°C", "precipitation_sum": "mm"}
    return Reply(json.dumps({"daily_units": units, "daily": daily}).encode())


def test_holidays_and_weather_are_in_their_tables_with_when_they_were_known(server, tmp_path):
    folder = write_workspace(tmp_path / "plain", EAST, settings=SETTINGS)
    (folder / "places.csv").write_text("postal_code,latitude,longitude\n01000,42.1,-72.6\n")
    settings = folder / "fleetcast.toml"
    settings.write_text(settings.read_text("utf-8") + READY.format(url=server.url), "utf-8")
    server.answers("/weather", as_open_meteo)
    made = condition(folder)
    assert {one.source: one.state for one in made.intake} == dict.fromkeys(
        ("holidays", "weather_observed", "weather_forecast"), "new"
    )
    assert all(line.closes and not line.quarantined for line in made.sources)

    lake = opened(folder).lake
    days = lake.read(EVENTS)
    assert days.filter(first=date(2026, 3, 2))["scope"].to_list() == ["east"]
    weather = lake.read(WEATHER)
    forecast, observed = weather.filter(kind="forecast"), weather.filter(kind="observed")
    assert set(forecast["known_at"]) == set(forecast["issued_at"]) == {WEDNESDAY}
    assert observed.filter(date=date(2026, 10, 5))["known_at"].to_list() == [
        datetime(2026, 10, 13, tzinfo=UTC)
    ]

    condition(folder, WEDNESDAY + timedelta(days=1))
    later = opened(folder).lake.read(WEATHER)
    assert later.filter(kind="observed", date=date(2026, 11, 14))["known_at"].to_list() == [
        WEDNESDAY + timedelta(days=1)
    ]
    assert later.filter(kind="observed").height == observed.height + 1
    assert later.filter(kind="forecast").height == 2 * forecast.height


# ---------------------------------------------------------------- late

NEXT_WEDNESDAY = WEDNESDAY + timedelta(days=7)


def test_a_source_in_time_is_not_late(shop):
    declare(shop, due_days=2, if_late='"wait"')
    assert condition(shop).intake[0].late_since is None
    just_before = datetime(2026, 11, 24, 23, tzinfo=UTC)  # the week of the 16th is due on Wednesday, the 25th
    assert condition(shop, just_before).intake[0].late_since is None


def test_a_late_source_is_told_with_since_when(shop):
    declare(shop, due_days=2)
    condition(shop)
    made = condition(shop, NEXT_WEDNESDAY)
    assert [(one.source, str(one.late_since)) for one in made.intake] == [("deliveries", "2026-11-25")]


def test_a_cycle_waits_for_what_it_is_told_to_wait_for(shop):
    declare(shop, due_days=2, if_late='"wait"')
    told = "the cycle waits: deliveries has nothing after the week of 2026-11-09, due 2026-11-25"
    with pytest.raises(InfrastructureError, match=told):
        run_cycle(opened(shop, NEXT_WEDNESDAY), progress=Silent(), actor="test")


def test_a_cycle_of_a_week_that_is_there_does_not_wait(shop):
    declare(shop, due_days=2, if_late='"wait"')
    made = run_cycle(opened(shop, NEXT_WEDNESDAY), week=LAST, progress=Silent(), actor="test")
    assert made.cycle == LAST
    assert made.intake[0].late_since is not None


def test_a_folder_can_be_late_too(tmp_path):
    folder = write_workspace(tmp_path / "plain", EAST, settings=SETTINGS)
    declare(folder, due_days=2)
    made = condition(folder, NEXT_WEDNESDAY)
    assert [(one.source, one.state) for one in made.intake] == [("deliveries", "unchanged")]


def test_master_data_are_late_by_when_they_came_last(tmp_path):
    folder = write_workspace(tmp_path / "plain", EAST, settings=SETTINGS)
    edit(folder, "[sources.stores]\n", "[sources.stores]\ndue_days = 2\n")
    assert condition(folder).intake == ()
    assert condition(folder, NEXT_WEDNESDAY + timedelta(days=7)).intake[0].source == "stores"


def test_a_validation_on_one_machine_asks_nobody_and_waits_for_nobody(shop):
    declare(shop, due_days=2, if_late='"wait"')
    there = local(opened(shop).settings, "quick")
    assert {source.pull for source in there.sources.values()} == {None}
    assert {source.due_days for source in there.sources.values()} == {None}
    assert (there.sources["deliveries"].path, there.sources["deliveries"].format) == (
        "deliveries/*.jsonl",
        "jsonl",
    )


def test_what_the_ledger_says_is_json(shop):
    ingest(shop)
    assert json.loads((shop / ".fleetcast" / "raw" / "pulls" / "deliveries.json").read_text())["marks"][
        "answers"
    ]
