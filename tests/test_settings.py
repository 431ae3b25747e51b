"""`fleetcast.toml`: read whole, or every problem at once with its line and what to write instead."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleetcast.domain import tables
from fleetcast.domain.errors import SettingsError
from fleetcast.settings import (
    GateSettings,
    SegmentSettings,
    Settings,
    branch_digest,
    deciding,
    deciding_digest,
    load,
    recorded,
)
from fleetcast.settings.conflicts import CORE_TABLES
from fleetcast.settings.positions import positions

HEAD = 'schema = 1\n[workspace]\nname = "shop"\npackage = "shop"\n'  # four lines
SOURCE = '[sources.sales]\npath = "*.csv"\nformat = "csv"\nconditioner = "sales"\ncolumns.week = { type = "date" }\n'
NAME = "a name of lower-case letters, digits and _, a letter first"


@pytest.fixture
def problems(tmp_path):
    """(line, key, problem, instead) of everything wrong with a text."""

    def of(text):
        path = tmp_path / "fleetcast.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(SettingsError) as caught:
            load(path)
        assert all(str(problem) in str(caught.value) for problem in caught.value.problems)
        return [(p.line, p.key, p.problem, p.instead) for p in caught.value.problems]

    return of


@pytest.fixture
def settings(tmp_path):
    def of(text) -> Settings:
        path = tmp_path / "fleetcast.toml"
        path.write_text(text)
        return load(path)

    return of


def test_a_short_file_has_defaults_for_all_the_rest(settings):
    made = settings(HEAD)
    assert made.gate == GateSettings()
    assert made.segments.keys == ("region", "store_format", "mover")
    assert not made.environments["prod"].checkout


def test_a_comment_may_stand_on_the_first_line(settings):
    assert settings(HEAD.replace("schema = 1", "schema=1  # the format of this file")).schema_ == 1


def test_dates_may_be_written_as_toml_has_them(settings):
    assert settings(HEAD + "[demand]\nfirst_week = 2024-01-01\n").demand.first_week == "2024-01-01"


def test_whole_numbers_are_numbers_too(settings):
    assert settings(HEAD + "[gate]\nmape = 1\n").gate.mape == 1.0


def test_all_problems_are_told_at_once_with_their_lines(problems):
    text = f"""{HEAD}[segments]
baseline_keys = ["country"]
partiton = "region"
[training]
horizons = [
  1,
  99,
]
net_epochs = "24"
[gate]
mape = -1
mape_by = {{ fast = 0.4, quick = 0.5 }}
[sources.sales]
path = "*.csv"
format = "cvs"
conditioner = "sales"
known_at = "column"
columns.week = {{ type = "date", nam = "Week" }}
"""
    assert [(line, key) for line, key, _, _ in problems(text)] == [
        (6, "segments.baseline_keys"),
        (7, "segments.partiton"),
        (11, "training.horizons[1]"),
        (13, "training.net_epochs"),
        (15, "gate.mape"),
        (16, "gate.mape_by.quick"),
        (17, "sources.sales.known_at_column"),
        (19, "sources.sales.format"),
        (22, "sources.sales.columns.week.nam"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[gate]\nmpae = 0.4\n", (6, "gate.mpae", "unknown key", "did you mean `mape`?")),
        ("[training]\nquorum = 0.9\n", (6, "training.quorum", "unknown key", "`quorum` belongs in [gate]")),
        ("[state]\ncolour = 1\n", (6, "state.colour", "unknown key", "remove it; the keys here are root")),
        ("[gate]\nmape = 0\n", (6, "gate.mape", "0 is too small", "write a number above 0")),
        ("[gate]\nquorum = 1.5\n", (6, "gate.quorum", "1.5 is too large", "write a number from 0 to 1")),
        ("[gate]\nmape = nan\n", (6, "gate.mape", "nan is not a finite number", "write a finite number")),
        ("[gate]\nmape = true\n", (6, "gate.mape", "true is of the wrong type", "write a number above 0")),
        (
            '[training]\nrounds = "8"\n',
            (6, "training.rounds", '"8" is of the wrong type', "write a whole number at least 4"),
        ),
        (
            "[training]\nhorizons = [1, 60]\n",
            (6, "training.horizons[1]", "60 is too large", "write a whole number from 1 to 52"),
        ),
        (
            "[training]\nhorizons = 4\n",
            (6, "training.horizons", "4 is of the wrong type", "write a list, each a whole number from 1 to 52"),
        ),
        (
            '[demand]\nabsent = "zeros"\n',
            (6, "demand.absent", '"zeros" is none of the choices', 'write one of "zero", "unknown" (did you mean "zero"?)'),
        ),
        ("[environments.test]\n", (5, "environments.test", '"test" cannot be a name here', 'write one of "dev", "prod"')),
        ("gate = 3\n", (5, "workspace.gate", "unknown key", "remove it; the keys here are name, package")),
        (
            "[sources.Sales]\n" + SOURCE.split("\n", 1)[1],
            (5, "sources.Sales", '"Sales" cannot be a name here', f"write {NAME}"),
        ),
    ],
)  # fmt: skip
def test_a_problem_says_where_what_and_what_to_write_instead(problems, text, expected):
    assert problems(HEAD + text) == [expected]


def test_a_missing_key_is_told_at_its_table(problems):
    assert problems('schema = 1\n\n[workspace]\nname = "shop"\n') == [
        (3, "workspace.package", "is missing", f"write `package = …`, {NAME}")
    ]
    assert problems("schema = 1\n") == [(None, "workspace", "is missing", "write `workspace = …`, a table")]


@pytest.mark.parametrize(
    ("first", "problem", "instead"),
    [
        ("", "the first line does not name it", "write `schema = 1` as first line"),
        ("# my shop\nschema = 1", "is not the first line", "move `schema = 1` to the top"),
        ("schema = 2", "2 is newer than this Fleetcast, which reads 1", "install a newer Fleetcast"),
        ("schema = 0", "0 is unknown", "write `schema = 1` as first line"),
        ('schema = "1"', "'1' is unknown", "write `schema = 1` as first line"),
    ],
)
def test_the_first_line_names_the_schema(problems, first, problem, instead):
    assert problems(HEAD.replace("schema = 1", first)) == [(1, "schema", problem, instead)]


def test_a_file_that_is_no_toml_is_told_with_its_line(problems):
    ((line, _, problem, _),) = problems(HEAD + "[gate\nmape = 1\n")
    assert line == 5
    assert problem.startswith("is no TOML: ")


def test_a_doubled_key_is_told_with_its_line(problems):
    ((line, _, problem, _),) = problems(HEAD + "[gate]\nmape = 1\nmape = 2\n")
    assert line == 7
    assert "overwrite" in problem


def test_a_file_that_is_not_utf8_is_told_with_its_line(problems):
    assert problems(HEAD.encode() + b"# S\xfcd\n")[0][:3] == (5, "fleetcast.toml", "byte 0xfc is not UTF-8")


def test_a_missing_file_says_how_to_name_a_workspace(tmp_path):
    with pytest.raises(
        SettingsError, match="no such file; give the folder of a workspace with --workspace DIR"
    ):
        load(tmp_path / "fleetcast.toml")


def source(**lines):
    return HEAD + SOURCE + "".join(f"{key} = {value}\n" for key, value in lines.items())


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        (HEAD + "[segments]\nkeys = []\nbaseline_keys = []\n", "segments.keys", "no key"),
        (HEAD + '[segments]\nkeys = ["region", "store_format", "clusters"]\n', "segments.keys[2]",
         '"clusters" is none of the choices'),
        (HEAD + '[segments]\npartition = "mover"\n', "segments.partition", '"mover" is no key of stores'),
        (HEAD + '[segments]\npartition = "country"\n', "segments.partition", '"country" is not among keys'),
        (HEAD + '[segments]\nbaseline_keys = ["country"]\n', "segments.baseline_keys", '"country" is not among keys'),
        (HEAD + '[segments]\nbaseline_keys = ["region", "region"]\n', "segments.baseline_keys", "region more than once"),
        (HEAD + "[training]\nhorizons = [2, 1]\n", "training.horizons", "not ascending"),
        (HEAD + "[training]\nhorizons = [1, 1]\n", "training.horizons", "not ascending"),
        (HEAD + "[training]\nhorizons = []\n", "training.horizons", "not ascending"),
        (HEAD + "[training.features]\nlags = [-1, 0]\n", "training.features.lags", "-1 weeks back is not the past"),
        (HEAD + "[training.features]\nwindows = [0]\n", "training.features.windows", "0 weeks back is not the past"),
        (HEAD + "[gate]\nminimum_rounds = 9\n", "gate.minimum_rounds",
         "9 is more than training.rounds = 8, so no model could pass"),
        (HEAD + "[gate]\nmape_by = { fast = 0 }\n", "gate.mape_by.fast", "0.0 is too small"),
        (HEAD + "[retraining]\nstale_days = 30\n", "retraining.stale_warning_days", "46 is not before stale_days = 30"),
        (
            HEAD + "[monitoring]\nreference_weeks = 10\nfewest_reference_weeks = 12\n",
            "monitoring.fewest_reference_weeks",
            "12 is more than reference_weeks = 10",
        ),
        (HEAD + '[demand]\nfirst_week = "2024-01-02"\n', "demand.first_week", "2024-01-02 is a Tuesday"),
        (HEAD + '[execution]\naddress = "ray://head:10001"\n', "execution.address",
         '"ray://head:10001" is no address of a cluster'),
        (HEAD + "[execution]\ngpus_per_task = 1\n", "execution.gpus_per_task",
         'nothing places tasks by GPU with engine = "processes"'),
        (HEAD + '[telemetry]\nendpoint = "collector:4318"\n', "telemetry.endpoint",
         '"collector:4318" is no address of a collector'),
        (HEAD + '[telemetry.headers]\nauthorization = "Bearer abc"\n', "telemetry.headers.authorization", "is written out"),
        (HEAD + '[telemetry]\nendpoint = "http://collector:4318/v1/traces"\nheaders = { key = "env:KEY" }\n',
         "telemetry.headers.key", "would travel unencrypted to another machine"),
        (HEAD + '[demand]\nfirst_week = "soon"\n', "demand.first_week", '"soon" is no date'),
        (source(known_at='"column"'), "sources.sales.known_at_column", 'is missing, while known_at = "column"'),
        (source(known_at='"column"', known_at_column='"issued"'), "sources.sales.known_at_column",
         '"issued" is no declared column of type date or datetime'),
        (source(known_at='"file_name"'), "sources.sales.known_at_pattern", 'is missing, while known_at = "file_name"'),
        (source(known_at='"file_name"', known_at_pattern=r"'\d{8}'"), "sources.sales.known_at_pattern",
         r"'\\d{8}' has not one group"),
        (source(known_at='"file_name"', known_at_pattern="'('"), "sources.sales.known_at_pattern", "'(' has not one group"),
        (source(decimal='","', thousands='"."'), "sources.sales.decimal", 'the same as the delimiter ","'),
        (source(decimal='","', delimiter='","'), "sources.sales.delimiter", "the same as decimal"),
        (source(thousands='"."'), "sources.sales.thousands", "the same as decimal"),
        (source(delimiter="'\"'"), "sources.sales.delimiter", "'\"' cannot part fields"),
        (source(true='"y"', false='"y"'), "sources.sales.false", "the same as true"),
        (source(timezone='"Mars/Olympus"'), "sources.sales.timezone", '"Mars/Olympus" is no time zone'),
        (source(timezone='"../etc"'), "sources.sales.timezone", '"../etc" is no time zone'),
        (source(query='"SELECT 1"'), "sources.sales.query", 'has no meaning where format = "csv"'),
        (source(sheet='"Data"'), "sources.sales.sheet", 'has no meaning where format = "csv"'),
        (source().replace('"csv"', '"sql"'), "sources.sales.query", 'is missing, while format = "sql"'),
        (source().replace('"csv"', '"fixed_width"'), "sources.sales.columns.week",
         "a column of fixed width without start or width"),
        (source().replace('"csv"', '"fixed_width"').replace('"date"', '"date", start = 1, width = 8')
         + 'columns.store = { type = "text", start = 8, width = 2 }\n',
         "sources.sales.columns.store.start", "8 is inside column week"),
        (source().replace("columns.week = { type = \"date\" }", "columns = {}"), "sources.sales.columns", "no column"),
        (source() + 'columns.line = { type = "text" }\n', "sources.sales.columns.line",
         "is a name that readers use themselves"),
        (source() + 'columns.day = { type = "date", name = "week" }\n', "sources.sales.columns.day",
         '"week" is another column\'s name in the file too'),
        (source() + 'columns.x = { type = "text", minimum = 0 }\n', "sources.sales.columns.x.minimum",
         'has no meaning where type = "text"'),
        (source() + 'columns.x = { type = "number", minimum = 2, maximum = 1 }\n', "sources.sales.columns.x.minimum",
         "above maximum"),
        (source() + 'columns.x = { type = "text", format = "%d" }\n', "sources.sales.columns.x.format",
         'has no meaning where type = "text"'),
        (source() + 'columns.x = { type = "date", format = "%d.%m." }\n', "sources.sales.columns.x.format",
         '"%d.%m." does not tell day, month and year'),
        (source() + 'columns.x = { type = "datetime", format = "%d.%m.%Y" }\n', "sources.sales.columns.x.format",
         '"%d.%m.%Y" does not tell day, month, year and hour'),
        (HEAD + "[training.features]\nwindows = []\n", "training.features.windows", "no window"),
        (HEAD + '[covariates.stores]\nkeys = ["store"]\ncolumns = {}\n', "covariates.stores",
         "is the name of a table of Fleetcast's own"),
        (HEAD + "[covariates.deals]\nkeys = []\ncolumns = {}\n", "covariates.deals.keys", "no key"),
        (HEAD + '[covariates.deals]\nkeys = ["store"]\ncolumns = { price = "past" }\n', "covariates.deals.columns.price",
         '"past" in a table without weeks'),
        (HEAD + '[covariates.deals]\nkeys = ["week"]\ncolumns = { week = "past" }\n', "covariates.deals.columns.week",
         "is a key too, or known_at"),
        (HEAD + '[covariates.deals]\nkeys = ["week"]\ncolumns = { price = "past" }\nlog = ["prize"]\n',
         "covariates.deals.log", '"prize" is not among columns'),
    ],
)  # fmt: skip
def test_settings_that_contradict_each_other_are_told(problems, text, key, problem):
    assert [(k, p) for _, k, p, _ in problems(text)] == [(key, problem)]


STANDARD = (
    HEAD
    + """[sources.groups]
path = "*.csv"
format = "csv"
table = "clusters"
[sources.groups.columns]
store = { type = "text" }
cluster = { type = "text" }
valid_from = { type = "date" }
"""
)


def test_files_that_hold_a_table_s_rows_need_no_conditioner(settings):
    assert settings(STANDARD).sources["groups"].table == "clusters"
    note = settings(
        STANDARD + 'note = { type = "text", optional = true }\nknown_at = { type = "datetime" }\n'
    )
    assert len(note.sources["groups"].columns) == 5


@pytest.mark.parametrize(
    ("old", "new", "where", "problem"),
    [
        ('table = "clusters"\n', "", (5, "conditioner"), "is missing"),
        ("[sources.groups.", 'conditioner = "groups"\n[sources.groups.', (8, "table"), "needs no conditioner"),
        ('"clusters"', '"cluster"', (8, "table"), '"cluster" is no table that a source can fill'),
        ('valid_from = { type = "date" }\n', "", (9, "columns.valid_from"), "is missing: clusters needs it"),
        ('"date"', '"text"', (12, "columns.valid_from.type"), '"text" is not its type in clusters'),
        ('cluster = { ', "cluster = { optional = true, ", (11, "columns.cluster.optional"),
         "clusters has no row without it"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_a_table_s_rows_are_told_with_their_line(problems, old, new, where, problem):
    assert old in STANDARD
    ((line, key, told, _),) = problems(STANDARD.replace(old, new, 1))
    assert (line, key.removeprefix("sources.groups."), told) == (*where, problem)


def test_a_covariate_s_rows_are_held_against_its_declaration(problems, settings):
    table = '[covariates.deals]\nkeys = ["week", "store"]\ncolumns = { deal = "past", kind = "past" }\ntexts = ["kind"]\n'
    source = '[sources.deals]\npath = "*.csv"\nformat = "csv"\ntable = "deals"\n[sources.deals.columns]\n'
    columns = (
        'week = { type = "date" }\nstore = { type = "text" }\ndeal = { type = "number", optional = true }\n'
    )
    assert settings(HEAD + table + source + columns + 'kind = { type = "text" }\n').sources["deals"].table
    ((_, key, told, instead),) = problems(HEAD + table + source + columns)
    assert (key, told, instead) == (
        "sources.deals.columns.kind",
        "is missing: deals needs it",
        'write { type = "text" }',
    )


def test_what_is_in_doubt_after_a_mistake_is_not_held_against_the_writer(problems):
    text = source(query='"SELECT 1"').replace('"csv"', '"oracle"')  # with sql it would be right
    assert [key for _, key, _, _ in problems(text)] == ["sources.sales.format"]


def test_the_names_of_core_tables_are_those_of_the_domain():
    own = {table.name for table in vars(tables).values() if isinstance(table, tables.Table)}
    assert set(CORE_TABLES) == own


def test_equal_settings_have_equal_digests_however_written(settings):
    short = settings(HEAD)
    written = settings(
        HEAD + '[segments]\npartition = "region"\nkeys = ["region", "store_format", "mover"]\n'
    )
    assert (
        branch_digest(short.segments) == branch_digest(written.segments) == branch_digest(SegmentSettings())
    )
    assert branch_digest(short) == branch_digest(written)


def test_another_value_is_another_digest():
    assert branch_digest(GateSettings()) != branch_digest(GateSettings(mape=0.4))


def test_importing_settings_loads_no_engine():
    engines = ["polars", "pandera", "numpy", "sqlalchemy", "structlog", "openpyxl", "jax", "deltalake"]
    code = f"import sys, fleetcast.settings; print([e for e in {engines} if e in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )


def test_positions_find_every_kind_of_key():
    text = """\
a = 1
b.c = [ # a list
  1, 'x]', {d = 2},
]
"quo\\"ted" = '''
no = "key"
''' # and after
[t]
[t."u.v"] # dotted
w = { x = "}", y.z = [[1], [2]] }
[[items]]
n = 2024-01-01 00:00:00
[[items]]
n = +1e3
[items.sub]
m = true
"""
    tomllib.loads(text)
    assert positions(text) == {
        ("a",): 1, ("b", "c"): 2, ("b", "c", 0): 3, ("b", "c", 1): 3, ("b", "c", 2): 3, ("b", "c", 2, "d"): 3,
        ('quo"ted',): 5, ("t",): 8, ("t", "u.v"): 9, ("t", "u.v", "w"): 10, ("t", "u.v", "w", "x"): 10,
        ("t", "u.v", "w", "y", "z"): 10, ("t", "u.v", "w", "y", "z", 0): 10, ("t", "u.v", "w", "y", "z", 0, 0): 10,
        ("t", "u.v", "w", "y", "z", 1): 10, ("t", "u.v", "w", "y", "z", 1, 0): 10,
        ("items", 0): 11, ("items", 0, "n"): 12, ("items", 1): 13, ("items", 1, "n"): 14,
        ("items", 1, "sub"): 15, ("items", 1, "sub", "m"): 16,
    }  # fmt: skip


plain = st.text("abc é#\"'\\]}=,.\n", max_size=6)


@given(
    st.dictionaries(
        plain, st.one_of(plain, st.integers(), st.booleans(), st.lists(plain, max_size=3)), max_size=5
    )
)
def test_positions_find_each_key_of_any_table(table):
    text = "".join(f"\n{_toml(key)} = {_toml(value)}\n" for key, value in table.items())
    assert tomllib.loads(text) == table
    assert [place[0] for place in positions(text) if len(place) == 1] == list(table)


def _toml(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    return f"[{', '.join(map(_toml, value))}]" if isinstance(value, list) else str(value)


def test_every_workspace_of_the_repository_can_be_read():
    root = Path(__file__).parents[1]
    for path in [*root.glob("src/**/fleetcast.toml"), *root.glob("examples/*/fleetcast.toml")]:
        load(path)


def test_an_environment_that_says_nothing_is_as_it_is_by_default(tmp_path):
    path = tmp_path / "fleetcast.toml"
    path.write_text('schema = 1\n[workspace]\nname = "a"\npackage = "a"\n[environments.prod]\n', "utf-8")
    environments = load(path).environments
    assert {name: branch.checkout for name, branch in environments.items()} == {"dev": True, "prod": False}


def test_settings_that_were_written_down_read_back_as_they_were(tmp_path):
    path = tmp_path / "fleetcast.toml"
    more = '[training]\nhorizons = [1, 2]\n[gate.mape_by]\nslow = 0.5\n[execution]\nengine = "serial"\n'
    path.write_text(HEAD + more + SOURCE, "utf-8")
    settings = load(path)
    again = recorded(deciding(settings))
    assert deciding_digest(again) == deciding_digest(settings)
    assert again.model_copy(update={"execution": settings.execution}) == settings


CHANNEL = '[alerts.channels.team]\nkind = "slack"\naddress = "env:TEAM"\n'
MAIL = '[alerts.channels.ops]\nkind = "email"\naddress = "env:MAIL"\nsender = "fleet@example.com"\nto = ["ops@example.com"]\n'


def test_a_log_is_told_everything_until_channels_are_written(settings):
    assert [(name, one.kind) for name, one in settings(HEAD).alerts.channels.items()] == [("log", "log")]
    told = settings(HEAD + CHANNEL + MAIL).alerts.channels
    assert list(told) == ["team", "ops"]
    assert told["team"].about == ("incident", "release", "approval", "digest", "test")


@pytest.mark.parametrize(
    ("text", "key", "problem"),
    [
        (CHANNEL + 'about = ["incidents"]', "alerts.channels.team.about[0]", '"incidents" is none of'),
        (CHANNEL + 'kinds = ["tardy"]', "alerts.channels.team.kinds[0]", '"tardy" is none of'),
        (CHANNEL + "about = []", "alerts.channels.team.about", "names nothing"),
        (CHANNEL + 'to = ["eva@example.com"]', "alerts.channels.team.to", "belongs to e-mail"),
        (MAIL.replace("fleet@", "fleet at "), "alerts.channels.ops.sender", "is no mailbox"),
        (MAIL.replace('["ops@example.com"]', "[]"), "alerts.channels.ops.to", "names nobody"),
        ('[alerts]\nlink = "fleet.example.com"', "alerts.link", "is no address"),
        ('[alerts.channels.log]\nkind = "log"\naddress = "env:LOG"', "alerts.channels.log.address", "is not"),
    ],
)
def test_a_channel_that_could_not_be_used_is_told_with_what_to_write(problems, text, key, problem):
    ((_, found, said, _),) = problems(HEAD + text)
    assert (found, problem in said) == (key, True)


@pytest.mark.parametrize("address", ["https://hooks.example.com/T0/s3cr3t", "s3cr3t", "env:s3cr3t!"])
def test_an_address_in_the_settings_is_refused_and_not_repeated(problems, address):
    ((line, key, *said),) = problems(HEAD + CHANNEL.replace("env:TEAM", address))
    assert (line, key) == (HEAD.count("\n") + 3, "alerts.channels.team.address")
    assert "s3cr3t" not in " ".join(said)


def test_who_is_told_changes_no_digest_of_settings_that_decide(settings):
    assert deciding_digest(settings(HEAD)) == deciding_digest(settings(HEAD + CHANNEL))
