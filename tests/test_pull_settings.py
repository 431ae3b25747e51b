"""How sources are pulled: what may not be written, with what to write instead."""

import pytest

from fleetcast.domain.errors import SettingsError
from fleetcast.settings import load

HEAD = 'schema = 1\n[workspace]\nname = "shop"\npackage = "shop"\n'
PLAIN = 'conditioner = "sales"\ncolumns.week = { type = "date" }\n'
WEB = 'pull.url = "https://example.com/sales"\n'


@pytest.fixture
def problems(tmp_path):
    """(key, problem) of all that is wrong with how a source is declared."""

    def of(text):
        path = tmp_path / "fleetcast.toml"
        path.write_text(f"{HEAD}[sources.sales]\n{text}")
        try:
            load(path)
        except SettingsError as error:
            return [(one.key.removeprefix("sources.sales."), one.problem) for one in error.problems]
        return []

    return of


@pytest.mark.parametrize(
    "text",
    [
        f'format = "csv"\n{PLAIN}{WEB}',
        f'format = "json"\nrows = "items"\n{PLAIN}{WEB}pull.pages = {{ by = "field", name = "next" }}\n',
        f'format = "csv"\n{PLAIN}{WEB}pull.headers = {{ Authorization = "Bearer {{env:TOKEN}}" }}\n',
        f'format = "parquet"\n{PLAIN}pull.url = "s3://shop/exports/*.parquet"\npull.options = {{ region = "eu" }}\n',
        f'path = "{{env:WAREHOUSE}}"\nformat = "sql"\nquery = "SELECT 1"\n{PLAIN}pull.watermark = "changed"\n',
        'pull.holidays = { places = { all = "US" } }\n',
        'pull.url = "https://example.com"\npull.weather = { kind = "observed", places = "places.csv" }\n',
    ],
)
def test_every_kind_of_pull_is_a_few_lines(problems, text):
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f'format = "csv"\n{PLAIN}', ("path", "is missing")),
        (f'format = "csv"\n{PLAIN}pull.every = "day"\n', ("pull.url", "is missing")),
        (f'path = "a.csv"\nformat = "csv"\n{PLAIN}{WEB}', ("path", "has no meaning beside pull")),
        (f'format = "xml"\n{PLAIN}{WEB}', ("rows", "is missing")),
        (f'format = "csv"\nrows = "a"\n{PLAIN}{WEB}', ("rows", 'has no meaning where format = "csv"')),
        (
            f'format = "csv"\n{PLAIN}pull.url = "ftp://example.com"\n',
            ("pull.url", '"ftp" is nothing that can be pulled'),
        ),
        (
            f'format = "csv"\n{PLAIN}pull.url = "https:///sales"\n',
            ("pull.url", '"https:///sales" names no host'),
        ),
        (
            f'format = "csv"\n{PLAIN}pull.url = "https://ada:pw@example.com"\n',
            ("pull.url", "holds a name or a password"),
        ),
        (
            f'format = "csv"\n{PLAIN}{WEB}pull.headers = {{ X-Api-Key = "s3cret" }}\n',
            ("pull.headers.X-Api-Key", "holds a secret itself"),
        ),
        (
            f'format = "csv"\n{PLAIN}pull.url = "https://example.com/?apikey=s3cret"\n',
            ("pull.url", "holds a secret itself"),
        ),
        (
            f'format = "csv"\n{PLAIN}pull.url = "s3://a/*"\npull.options = {{ secret_access_key = "s3cret" }}\n',
            ("pull.options.secret_access_key", "holds a secret itself"),
        ),
        (
            f'format = "csv"\n{PLAIN}{WEB}pull.watermark = "c"\n',
            ("pull.watermark", 'has a meaning only with format = "sql"'),
        ),
        (
            f'format = "csv"\n{PLAIN}pull.url = "s3://shop/*"\npull.pages = {{ by = "link" }}\n',
            ("pull.pages", "has a meaning only with a url over HTTP"),
        ),
        (
            f'format = "csv"\n{PLAIN}{WEB}pull.pages = {{ by = "number" }}\n',
            ("pull.pages.name", "is missing"),
        ),
        (
            f'format = "csv"\n{PLAIN}{WEB}pull.pages = {{ by = "field", name = "next" }}\n',
            ("pull.pages.by", 'a field needs format = "json"'),
        ),
        (
            f'pull.holidays = {{ places = {{ all = "US" }} }}\n{WEB}',
            ("pull.url", "has no meaning: holidays are worked out here"),
        ),
        (
            'pull.url = "s3://a/b"\npull.weather = { kind = "observed", places = "p.csv", first_day = "soon" }\n',
            ("pull.weather.first_day", '"soon" is no date'),
        ),
        (
            f'format = "csv"\n{PLAIN}{WEB}due_days = 2\nif_late = "block"\n',
            ("if_late", '"block" is none of the choices'),
        ),
    ],
)
def test_what_cannot_be_meant_is_told(problems, text, problem):
    assert problem in problems(text)
