import compileall
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

import fleetcast
from fleetcast import workspace
from fleetcast.delivery import model_validation
from fleetcast.delivery.model_validation import below_gate, much_worse, untrained
from fleetcast.delivery.report import Report
from fleetcast.domain.errors import UsageError
from fleetcast.domain.tables import QUARANTINE
from fleetcast.fleet.progress import Silent
from fleetcast.fleet.report import SegmentVerdict
from fleetcast.fleet.run import run_cycle
from fleetcast.settings import GateSettings
from fleetcast.testing.kiosks import kiosks, write_workspace
from fleetcast.testing.retailer import tiny_retailer

LINE = "2026-11-09,east-1,00001,{}\n"


@pytest.fixture
def shop(tmp_path) -> Path:
    """A chain of kiosks with its files as its sample, and nowhere else."""
    folder = write_workspace(tmp_path / "shop", kiosks())
    (folder / "sample").mkdir()
    (folder / "data").rename(folder / "sample" / "data")
    return folder


def validate(folder: Path, place: Path) -> Report:
    place.mkdir()
    return model_validation.verb(
        folder,
        place,
        effort="quick",
        clock=lambda: datetime(2026, 11, 18, tzinfo=UTC),
        progress=Silent(),
        actor="test",
    )


def states(made: Report) -> dict[str, str]:
    return {check.name: check.state for check in made.checks}


def findings(made: Report, name: str) -> list[str]:
    return [str(finding) for check in made.checks if check.name == name for finding in check.findings]


def test_a_sound_workspace_passes_from_its_data_to_its_orders(shop, tmp_path):
    made = validate(shop, tmp_path / "place")
    assert states(made) == dict.fromkeys(("data", "training", "scoring", "orders"), "passed")
    assert made.exit_code == 0
    assert [check.says for check in made.checks[1:3]] == [
        "4 of 4 segments trained",
        "16 of 16 active series forecast, 0 with a reason why not",
    ]


def test_a_workspace_is_left_as_it_was(shop, tmp_path):
    before = tree(shop)
    validate(shop, tmp_path / "place")
    assert tree(shop) == before


def test_a_row_of_the_sample_that_is_set_aside_fails_and_is_named_by_its_line(shop, tmp_path):
    deliveries = shop / "sample" / "data" / "deliveries" / "first.csv"
    lines = deliveries.read_text("utf-8").splitlines(keepends=True)
    deliveries.write_text("".join([*lines[:-1], LINE.format("12o")]), "utf-8")
    made = validate(shop, tmp_path / "place")
    assert states(made)["data"] == "failed"
    assert findings(made, "data")[0].startswith(
        f"sample/data/deliveries/first.csv:{len(lines)}: not_a_number: source deliveries: delivered '12o'"
    )


def test_a_conditioner_that_breaks_is_told_with_its_name(shop, tmp_path):
    (shop / "src" / "kiosks" / "conditioners" / "deliveries.py").write_text(
        "def condition(rows, context):\n    return 1 / 0\n", "utf-8"
    )
    made = validate(shop, tmp_path / "place")
    assert states(made) == {"data": "failed"}
    assert "the conditioner deliveries of source deliveries fails" in made.checks[0].says


def test_sources_that_lie_elsewhere_are_read_from_the_sample(shop, tmp_path):
    settings = shop / "fleetcast.toml"
    text = settings.read_text("utf-8")
    settings.write_text(
        text.replace('"data/deliveries/', '"/srv/nowhere/').replace('"data/stores', '"{data}/stores')
    )
    (shop / "sample" / "data" / "deliveries").rename(shop / "sample" / "deliveries")
    (shop / "sample" / "data" / "stores").rename(shop / "sample" / "stores")
    assert states(validate(shop, tmp_path / "place"))["scoring"] == "passed"


def test_without_a_sample_it_is_said_how_to_make_one(shop, tmp_path):
    shutil.rmtree(shop / "sample")
    with pytest.raises(
        UsageError, match="make one of the workspace's own files with `fleetcast data sample`"
    ):
        validate(shop, tmp_path / "place")


def test_a_policy_that_asks_for_approvals_holds_nothing_up(shop, tmp_path):
    (shop / "policy.toml").write_text("schema = 1\n[promotion.dev]\napprovals = 2\n", "utf-8")
    assert states(validate(shop, tmp_path / "place"))["scoring"] == "passed"


def verdict(**more: object) -> SegmentVerdict:
    known = {"mape": 0.2, "baseline_mape": 0.2, "skill": 0.0, "bias": 0.0} | more
    return SegmentVerdict("east/large/fast", True, "", "champion", **known)


@pytest.mark.parametrize(
    ("one", "rule"),
    [
        (verdict(ran=False), "not_trained"),
        (verdict(mape=None), "not_finite"),
        (verdict(mape=0.61), "much_worse"),
    ],
)
def test_a_model_that_must_be_broken_fails(one, rule):
    assert [
        (finding.rule, finding.level) for finding in (*untrained([one]), *much_worse([one], skill=0.1))
    ] == [(rule, "error")]


def test_long_term_models_have_to_be_there_and_are_held_to_no_bound(shop, tmp_path):
    settings = shop / "fleetcast.toml"
    settings.write_text(settings.read_text("utf-8") + "\n[long_term]\nhorizons = [13]\nrounds = 4\n", "utf-8")
    made = validate(shop, tmp_path / "place")
    assert made.checks[1].says == "8 of 8 segments trained"
    assert states(made)["training"] == "passed"


def test_a_model_that_the_gate_would_refuse_is_only_told():
    one = verdict(mape=0.29, skill=-0.45, bias=0.2)
    assert list(much_worse([one], skill=-0.45)) == []
    told = list(below_gate([one], GateSettings(mape=0.25)))
    assert [finding.level for finding in told] == ["note"]
    assert told[0].message == (
        "east/large/fast: MAPE 29.0% > 25.0%, skill -45.0% < +0.0%, bias +20.0% outside ±15.0%"
    )


def test_a_fleet_that_is_much_worse_than_its_baselines_fails_though_no_segment_is():
    (found,) = much_worse([verdict(mape=0.35)], skill=-0.75)
    assert found.message == "the fleet's MAPE is 1.8 times that of its baselines; over 1.5 times is an error"


def test_a_fleet_without_any_segment_is_an_error():
    assert [finding.rule for finding in untrained([])] == ["nothing_trained"]


def test_the_sample_of_the_demo_has_every_source_and_no_flaw(tmp_path):
    folder = tiny_retailer(tmp_path, regions=14, weeks=80).workspace
    home = shutil.copytree(folder / "sample", tmp_path / "home")
    w = workspace.open_locally(folder, home, effort="quick")
    made = run_cycle(w, only="condition", progress=Silent(), actor="test")
    assert w.lake.read(QUARANTINE).is_empty()
    assert len(made.sources) == len(w.settings.sources) == 21
    silent = {line.source for line in made.sources if not line.rows}
    assert silent == {"deliveries_us_corrections"}  # of a region that is not in it


# ------------------------------------------------------------ as a program, watched

WATCHED = """
import json, os, resource, sys
from fleetcast.delivery import seclusion
from fleetcast.faces.cli.app import main

seen = {"net": [], "written": []}

def watch(event, args):
    if event in ("socket.connect", "socket.getaddrinfo"):
        seen["net"].append(str(args[1:]))
    if event == "open" and isinstance(args[0], (str, bytes)):
        if set(str(args[1] or "")) & set("wax+") or (args[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            seen["written"].append(os.fsdecode(args[0]))

sys.addaudithook(watch)
sys.argv = ["fleetcast", "ci", "model-validation", "--local", "--json", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    seen["code"] = end.code or 0
used = resource.getrusage(resource.RUSAGE_SELF)
children = resource.getrusage(resource.RUSAGE_CHILDREN)
seen["cpu"] = used.ru_utime + used.ru_stime + children.ru_utime + children.ru_stime
seen["children"] = children.ru_utime + children.ru_stime
print(json.dumps(seen))
"""


def tree(*folders: Path) -> dict[str, tuple[int, int]]:
    found = (path for folder in folders for path in sorted(folder.rglob("*")))
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in found}


def run(folder: Path, program: Path, home: Path, code: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The verb in a process of its own, with a Fleetcast of its own that is compiled as an installed one is."""
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    passing = home.parent / "passing"
    passing.mkdir()
    environment = {**surroundings, "PYTHONPATH": str(program), "HOME": str(home), "TMPDIR": str(passing)}
    return subprocess.run(
        [sys.executable, "-c", code, "--workspace", str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env=environment | more,
    )


@pytest.fixture
def program(tmp_path) -> Path:
    package = Path(fleetcast.__file__).parent
    copied = tmp_path / "program" / "fleetcast"
    shutil.copytree(package, copied, ignore=shutil.ignore_patterns("__pycache__"))
    compileall.compile_dir(copied, quiet=1)
    for room in ("features", "models"):  # that nothing compiles them again shows that nothing is compiled
        shutil.rmtree(copied / room / "__pycache__")
    return copied.parent


@pytest.mark.slow
def test_the_whole_of_it_asks_no_network_and_writes_nothing_outside_its_own_folder(tmp_path, program):
    folder = tiny_retailer(tmp_path, regions=1, products=4, weeks=104).workspace
    home = tmp_path / "home"
    home.mkdir()
    before = tree(folder, program, home)

    done = run(folder, program, home, WATCHED)

    *_, answer, said = done.stdout.splitlines()
    seen = json.loads(said)
    checks = {check["name"]: check["state"] for check in json.loads(answer)["checks"]}
    assert checks == dict.fromkeys(("data", "training", "scoring", "orders"), "passed")
    assert seen["code"] == 0
    assert seen["net"] == []
    assert seen["children"] < 0.5  # CPU seconds: Git is asked what is checked out, and nobody else works
    outside = {path for path in seen["written"] if not path.startswith(f"{tmp_path}/passing/")}
    assert outside <= {"/dev/null"}
    assert tree(folder, program, home) == before
    assert list((tmp_path / "passing").iterdir()) == []
    sys.stdout.write(f"ci model-validation --local of 4 segments: {seen['cpu']:.0f} CPU s\n")


def test_a_breakpoint_in_a_conditioner_stops_in_this_process_and_its_main_thread(shop, tmp_path, program):
    conditioner = shop / "src" / "kiosks" / "conditioners" / "deliveries.py"
    conditioner.write_text(
        conditioner.read_text("utf-8").replace("    return", "    breakpoint()\n    return"), "utf-8"
    )
    (program / "stopped.py").write_text(
        "import os, sys, threading\n"
        "def here():\n"
        "    frame = sys._getframe(1)\n"
        "    main = threading.current_thread() is threading.main_thread()\n"
        "    print(frame.f_code.co_filename, frame.f_lineno, os.getpid(), main)\n"
        "    sys.exit(7)\n",
        "utf-8",
    )
    code = "import os; print(os.getpid()); " + WATCHED
    done = run(shop, program, tmp_path / "home", code, PYTHONBREAKPOINT="stopped.here")
    pid, stop, seen = done.stdout.splitlines()
    assert stop == f"{conditioner} 9 {pid} True"
    assert json.loads(seen)["code"] == 7
