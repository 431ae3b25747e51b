import json
import random
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fleetcast import workspace
from fleetcast.delivery import model_validation
from fleetcast.delivery.recognising import Told
from fleetcast.delivery.starting import Started, start
from fleetcast.delivery.validation import code_validation
from fleetcast.domain.errors import UsageError
from fleetcast.domain.tables import DELIVERIES, QUARANTINE
from fleetcast.domain.week import WEEK, monday
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.run import run_cycle
from fleetcast.testing.repositories import commit, git

TODAY = date(2026, 11, 18)
MONDAY = date(2026, 11, 9)  # of the last week that is over


def begin(folder: Path, source: Path | None = None, **more: object) -> Started:
    options = {"told": Told(), "name": None, "host": None, "group": None, "today": TODAY} | more
    return start(folder, source=source, **options)


def last_week() -> date:
    """The Monday of the last week that is over by this machine's clock, which programs that are typed read too."""
    return monday(date.today()) - WEEK  # noqa: DTZ011


def semicolons(path: Path, last: date = MONDAY) -> Path:
    """Weekly, from Sunday, in an old encoding; the last line has no end."""
    chance = random.Random(5)  # noqa: S311 — nothing secret
    lines = ["Semana;Tienda;Artículo;Unidades;Precio;Nota"]
    for n in range(100):
        day = last - timedelta(weeks=99 - n, days=1)
        for store in ("T1", "T2", "T3"):
            for number, product in enumerate(("0001", "0002", "0003", "0004", "0005", "0006")):
                units = f"{(5 + 8 * number) * chance.lognormvariate(0, 0.2):.1f}".replace(".", ",")
                lines.append(
                    f"{day:%d.%m.%Y};{store};{product};{units};{'2,50' if chance.random() < 0.8 else '1,99'};nada más"
                )
    path.write_bytes("\n".join(lines).encode("cp1252"))
    return path


def daily(path: Path) -> Path:
    """Daily, month first, with a region of two words, up to a Tuesday."""
    chance = random.Random(5)  # noqa: S311 — nothing secret
    lines = ["Date,Store Nbr,Item Nbr,Unit Sales,State"]
    for n in range(560):
        day = date(2026, 11, 17) - timedelta(days=559 - n)
        for store, state in (("1", "New York"), ("2", "New York"), ("3", "Ohio")):
            lines += [
                f"{day:%m/%d/%Y},{store},{100 + item},{round((2 + 2 * item) * chance.lognormvariate(0, 0.3))},{state}"
                for item in range(5)
                if chance.random() < 0.9
            ]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def nothing(_: Path) -> None:
    """No file: a made-up chain."""


@pytest.mark.slow
@pytest.mark.parametrize("source", [nothing, daily])
def test_a_new_workspace_is_validated_and_does_its_week_at_once(tmp_path, source):
    made = begin(tmp_path / "our-shop", source(tmp_path / "their.csv"))
    folder = made.folder

    git(folder, "init", "--quiet")
    commit(folder, "A new workspace")
    assert git(folder, "status", "--porcelain") == ""
    assert not git(folder, "ls-files", "data", ".fleetcast")

    (tmp_path / "place").mkdir()
    validated = model_validation.verb(
        folder,
        tmp_path / "place",
        effort="quick",
        clock=lambda: datetime(2026, 11, 18, tzinfo=UTC),
        progress=Silent(),
        actor="test",
    )
    found = [str(finding) for check in validated.checks for finding in check.findings]
    assert (validated.state, validated.exit_code) == ("passed", 0), found

    w = workspace.open(folder, clock=lambda: datetime(2026, 11, 18, tzinfo=UTC))
    report = run_cycle(w, progress=Silent(), actor="test")
    assert report.cycle == MONDAY
    assert report.promoted
    assert report.series.published == report.series.active > 0


@pytest.mark.slow
def test_the_code_of_a_new_workspace_is_green_at_once(tmp_path):
    folder = begin(tmp_path / "our-shop").folder
    looked = code_validation(folder, started=datetime(2026, 11, 18, tzinfo=UTC))
    assert looked.exit_code == 0, [finding for check in looked.checks for finding in check.findings]


@pytest.mark.slow
def test_what_a_user_types_from_a_file_of_sales_to_a_workspace_that_is_green(tmp_path):
    program = Path(sys.executable).with_name("fleetcast")
    source = semicolons(tmp_path / "their.csv", last_week())

    def typed(*words: str) -> dict[str, Any]:
        done = subprocess.run(
            [program, *words, "--json"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        said: dict[str, Any] = json.loads(done.stdout)
        return said

    typed("init", "shop", "--from", str(source))
    git(tmp_path / "shop", "init", "--quiet")
    commit(tmp_path / "shop", "A new workspace")
    for verb in ("ci code-validation", "ci model-validation --local", "ci doctor"):
        report = typed(*verb.split(), "--workspace", "shop")
        assert {check["state"] for check in report["checks"]} <= {"passed", "skipped"}
        assert not [
            found for check in report["checks"] for found in check["findings"] if found["level"] == "error"
        ]
    assert git(tmp_path / "shop", "status", "--porcelain") == ""


def conditioned(made: Started) -> workspace.Workspace:
    w = workspace.open(made.folder, clock=lambda: datetime(2026, 11, 18, tzinfo=UTC))
    run_cycle(w, only="condition", progress=Silent(), actor="test")
    return w


def test_days_are_summed_to_weeks_from_monday_and_the_last_one_waits(tmp_path):
    source = daily(tmp_path / "their.csv")
    w = conditioned(begin(tmp_path / "shop", source))
    rows = [line.split(",") for line in source.read_text("utf-8").splitlines()[1:]]
    last = [row for row in rows if datetime.strptime(row[0], "%m/%d/%Y").date() >= MONDAY]  # noqa: DTZ007
    whole = [int(row[3]) for row in last if row[0] <= "11/15/2026" and row[1] == "3" and row[2] == "104"]
    week = w.lake.read(DELIVERIES).filter(week=MONDAY, store="3", product="104")
    assert week["delivered"].to_list() == [sum(whole)]
    waiting = w.lake.read(QUARANTINE)
    assert set(waiting["reason"]) == {"week_not_over"}
    assert waiting.height == sum(row[0] > "11/15/2026" for row in last)


def test_what_was_assumed_stands_in_the_settings(tmp_path):
    made = begin(tmp_path / "shop", semicolons(tmp_path / "their.csv"))
    settings = (made.folder / "fleetcast.toml").read_text("utf-8")
    assert all(f"#   {line}\n" in settings for line in made.assumed)
    assert "the last line of the file had no end" in made.assumed[-1]


def test_the_file_is_copied_and_its_names_are_not_in_the_sample(tmp_path):
    source = semicolons(tmp_path / "their.csv")
    made = begin(tmp_path / "shop", source)
    assert (made.folder / "data" / "sales" / "their.csv").read_bytes() == source.read_bytes() + b"\n"
    sample = (made.folder / "sample" / "data" / "sales" / "their.csv").read_text("cp1252")
    assert "0001" not in sample
    assert "nada" not in sample


def test_a_region_of_two_words_goes_by_another_name_too(tmp_path):
    made = begin(tmp_path / "shop", daily(tmp_path / "their.csv"))
    sample = (made.folder / "sample" / "data" / "sales" / "their.csv").read_text("utf-8")
    assert "York" not in sample
    assert "Ohio" not in sample
    assert len({segment.partition("/")[0] for segment in made.sample.segments}) == 2


@pytest.mark.parametrize("host", ["github", "azure", "gitlab"])
def test_a_host_gets_its_workflow_files(tmp_path, host):
    made = begin(tmp_path / "shop", host=host, group="acme")
    places = {"github": ".github/workflows", "azure": ".azure-pipelines", "gitlab": ".gitlab-ci.yml"}
    assert (made.folder / places[host]).exists()


def test_a_folder_with_something_in_it_stays_as_it_is(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds something already"):
        begin(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_of_a_workspace_that_does_not_come_about_nothing_is_left(tmp_path):
    there = tmp_path / "there"
    there.mkdir()
    for folder in (there, tmp_path / "new"):
        with pytest.raises(UsageError, match="whose teams own the files"):
            begin(folder, host="github")
    assert list(there.iterdir()) == []
    assert not (tmp_path / "new").exists()


def test_a_name_that_is_no_name_asks_for_one(tmp_path):
    with pytest.raises(UsageError, match="give one that begins with a letter: --name NAME"):
        begin(tmp_path / "2026")
    assert begin(tmp_path / "2027", name="Our Shop").package == "our_shop"
