"""A field trial from design to reading, as two people would do it at the command line."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from fleetcast.domain.errors import CorruptError, InfrastructureError, UsageError
from fleetcast.domain.tables import DELIVERIES, PRICES, PRODUCTS, RETURNS, STORES
from fleetcast.domain.week import WEEK
from fleetcast.faces.cli.app import app
from fleetcast.fleet import trials
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.testing.kiosks import LAST, SETTINGS, WEDNESDAY, kiosks, opened, write_file, write_workspace
from fleetcast.trial import document
from fleetcast.trial.design import Plan

AHEAD = 10  # weeks of the trial
PLAN = Plan(weeks=6, history=40, outcome="returns", seed=3)
TABLES = {table.name: table for table in (DELIVERIES, RETURNS, STORES, PRODUCTS, PRICES)}


def chain_of(weeks):
    """Kiosks whose product 00004 comes back more than 00001; the last AHEAD weeks lie after LAST."""
    tables = kiosks(stores=7, weeks=weeks)
    later = pl.col("week") + AHEAD * WEEK
    product = pl.col("product").cast(pl.Int64)
    tables["deliveries"] = tables["deliveries"].with_columns(later.alias("week"))
    tables["returns"] = tables["deliveries"].select(
        "week",
        "store",
        "product",
        (pl.col("delivered") * (0.1 + 0.05 * product)).round().alias("returned"),
        pl.lit(value=False).alias("allocated"),
    )
    tables["prices"] = (
        tables["products"]
        .select(
            "product",
            pl.Series("region", [["east", "west"]] * 4),
            pl.lit(2.0).alias("margin"),
            pl.lit(0.5).alias("return_cost"),
            pl.col("listed").alias("valid_from"),
        )
        .explode("region")
    )
    return tables


def condition(folder, at):
    run_cycle(opened(folder, at), only="condition", progress=Silent(), actor="test")


@pytest.fixture(scope="module")
def before(tmp_path_factory) -> Path:
    """The chain's weeks up to LAST, conditioned; returns of the last two may still come in."""
    known = {
        name: frame.filter(pl.col("week") <= LAST) if "week" in frame.columns else frame
        for name, frame in chain_of(60).items()
    }
    settings = SETTINGS.replace("returns_weeks = 0", "returns_weeks = 2")
    folder = tmp_path_factory.mktemp("trial") / "chain"
    write_workspace(folder, known, settings=settings, tables=TABLES)
    condition(folder, WEDNESDAY)
    return folder


@pytest.fixture
def folder(before, tmp_path) -> Path:
    return Path(shutil.copytree(before, tmp_path / "chain"))


def designed(folder, name="trial.json", plan=PLAN):
    return trials.design(opened(folder), plan, folder / name, actor="ann", reason="autumn pilot")


def run_trial(folder, roster, *, fewer):
    """The weeks after LAST, in which less came back from the pilots; and their files."""
    pilots = roster.filter(pl.col("arm") == "pilot")["store"].to_list()
    kept = pl.when(pl.col("store").is_in(pilots)).then(1 - fewer).otherwise(1.0)
    tables = {name: chain_of(60)[name].filter(pl.col("week") > LAST) for name in ("deliveries", "returns")}
    tables["returns"] = tables["returns"].with_columns((pl.col("returned") * kept).alias("returned"))
    for name, frame in tables.items():
        write_file(folder, name, frame, "trial")
    condition(folder, WEDNESDAY + AHEAD * WEEK)


def cli(*words):
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def test_a_trial_is_designed_run_and_read(folder):
    place = ("--workspace", folder, "--weeks", 6, "--history", 40, "--seed", 3)
    answer = cli("trial", "design", "--to", folder / "trial.json", "--reason", "autumn pilot", *place)
    assert answer.exit_code == 0
    assert "6 pairs of stores for 6 weeks, judged by returns" in answer.output
    assert "Left out: 2 no pair." in answer.output
    roster = pl.read_csv(folder / "trial.csv")
    assert roster.height == 12

    run_trial(folder, roster, fewer=0.3)
    start = str(LAST + WEEK)
    answer = cli("trial", "read", folder / "trial.json", "--from", start, "--workspace", folder, "--json")
    told = json.loads(answer.stdout)
    [record] = opened(folder).ledger.audit(action="trial.design")
    assert (told["digest"], told["by"]) == (record.subject, record.actor)
    main = told["reading"]["findings"][0]
    assert main["outcome"] == "returns"
    assert main["lift"]["low"] <= -0.3 <= main["lift"]["high"] < -0.2
    assert [line["outcome"] for line in told["reading"]["findings"]] == [
        "returns",
        "sales",
        "sold_out",
        "money",
    ]
    assert len(told["reading"]["weeks"]) == 6

    shown = cli("trial", "read", folder / "trial.json", "--from", start, "--workspace", folder).output
    assert "the share of deliveries that came back fell by" in shown
    assert "6 pairs, 6 weeks" in shown


def test_a_design_is_recorded_with_who_when_and_why(folder):
    made = designed(folder)
    w = opened(folder)
    [record] = w.ledger.audit(action="trial.design")
    assert (record.actor, record.reason, record.subject) == ("ann", "autumn pilot", made.digest)
    assert made.design.origin.snapshot["demand"] == w.lake.version(w.tables["demand"])
    assert w.ledger.verify().ok


def test_a_design_never_replaces_a_file_and_leaves_no_record_when_it_cannot_be_written(folder):
    made = designed(folder)
    text = (folder / "trial.json").read_text()
    with pytest.raises(UsageError, match="a design is never replaced"):
        designed(folder)
    (folder / "other.csv").write_text("mine")
    with pytest.raises(UsageError, match=r"other\.csv exists"):
        designed(folder, "other.json")
    (folder / "wall").write_text("")
    with pytest.raises(InfrastructureError, match="cannot be written"):
        designed(folder, "wall/trial.json")
    with pytest.raises(UsageError, match="a design is written as JSON"):
        designed(folder, "trial")
    assert (folder / "trial.json").read_text() == text
    assert [record.subject for record in opened(folder).ledger.audit(action="trial.design")] == [made.digest]
    assert not os.access(folder / "trial.json", os.W_OK) or os.geteuid() == 0


def test_before_a_week_of_the_trial_is_final_nothing_is_read(folder):
    designed(folder)
    w = opened(folder)
    with pytest.raises(
        UsageError, match=f"the newest week with data is {LAST}, the newest final one {LAST - 2 * WEEK}"
    ):
        trials.read(w, folder / "trial.json", start=LAST + WEEK)


def test_weeks_between_design_and_start_count_as_before_and_open_ones_are_named(folder):
    made = designed(folder)
    run_trial(folder, pl.read_csv(folder / "trial.csv"), fewer=0.3)
    answer = trials.read(opened(folder, WEDNESDAY), folder / "trial.json", start=LAST + 6 * WEEK)
    assert made.design.last == LAST - 2 * WEEK
    assert answer.reading.weeks == (LAST + 6 * WEEK, LAST + 7 * WEEK, LAST + 8 * WEEK)
    assert answer.reading.open_weeks == (LAST + 9 * WEEK, LAST + 10 * WEEK)
    assert answer.reading.findings[0].before.found  # returns had fallen before this start: the check sees it


def test_a_changed_design_is_noticed_even_with_a_digest_that_fits(folder):
    made = designed(folder).design
    run_trial(folder, pl.read_csv(folder / "trial.csv"), fewer=0.0)
    text = (folder / "trial.json").read_text()
    (folder / "changed.json").write_text(text.replace('"weeks": 6', '"weeks": 5'))
    with pytest.raises(CorruptError, match=r"changed\.json is not as it was written"):
        trials.read(opened(folder), folder / "changed.json", start=LAST + WEEK)

    first = made.pairs[0]
    swapped = replace(first, pilot=first.control, control=first.pilot)
    (folder / "forged.json").write_text(document.written(replace(made, pairs=(swapped, *made.pairs[1:]))))
    forged = trials.read(opened(folder), folder / "forged.json", start=LAST + WEEK)
    assert (forged.recorded, forged.by) == (None, None)
    start = str(LAST + WEEK)
    shown = cli("trial", "read", folder / "forged.json", "--from", start, "--workspace", folder).output
    assert "audit log does not know" in shown


def test_a_file_that_is_not_there_says_which_to_name(folder):
    with pytest.raises(UsageError, match="name the file that `fleetcast trial design` wrote"):
        trials.read(opened(folder), folder / "nowhere.json", start=LAST + WEEK)


def test_an_empty_workspace_has_nothing_to_design_from(tmp_path):
    folder = write_workspace(tmp_path / "chain", chain_of(60), tables=TABLES)
    with pytest.raises(UsageError, match="no week is conditioned in dev yet"):
        designed(folder)
