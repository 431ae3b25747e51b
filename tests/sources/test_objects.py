"""Object stores: a local folder, and a server that speaks as S3 does, through the library that speaks to the real ones."""

from xml.sax.saxutils import escape

import pytest
from tests.sources.conftest import RECEIVED, declared

from fleetcast.domain.errors import InfrastructureError, SourceError
from fleetcast.sources import objects
from fleetcast.sources.raw import RawStore
from fleetcast.testing.server import Reply


@pytest.fixture
def bucket(tmp_path):
    folder = tmp_path / "bucket"
    (folder / "2026").mkdir(parents=True)
    (folder / "2026" / "w46.csv").write_text("week 46")
    (folder / "notes.txt").write_text("none of ours")
    return folder


def sales(bucket, pattern="*.csv", **pull):
    return declared(path="", pull={"url": f"file://{bucket}/{pattern}", **pull})


def names(made):
    return [name for name, _ in made.files]


def test_objects_that_match_are_fetched_once(bucket, question):
    first = objects.pull(question(sales(bucket)))
    assert names(first) == ["2026/w46.csv"]
    assert names(objects.pull(question(sales(bucket), marks=first.marks))) == []


def test_new_and_changed_objects_are_fetched(bucket, question):
    first = objects.pull(question(sales(bucket)))
    (bucket / "2026" / "w46.csv").write_text("week 46, corrected")
    (bucket / "2026" / "w47.csv").write_text("week 47")
    made = objects.pull(question(sales(bucket), marks=first.marks))
    assert [path.read_text() for _, path in made.files] == ["week 46, corrected", "week 47"]


def test_what_is_fetched_is_kept_under_its_name(bucket, question, tmp_path):
    store = RawStore(tmp_path / "state")
    (file,) = store.receive("sales", objects.pull(question(sales(bucket))).files, RECEIVED)
    assert (file.name, store.path(file).read_text()) == ("2026/w46.csv", "week 46")


def test_an_object_that_is_too_large_is_refused(bucket, question):
    (bucket / "large.csv").write_bytes(bytes(2_000_000))
    with pytest.raises(SourceError, match=r"large\.csv: too_large"):
        objects.pull(question(sales(bucket, megabytes=1)))


def test_a_place_that_is_not_there_is_named(bucket, question):
    with pytest.raises((InfrastructureError, SourceError), match="nowhere"):
        objects.pull(question(sales(bucket / "nowhere")))


LISTED = """<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>shop</Name><IsTruncated>false</IsTruncated>{}
</ListBucketResult>"""
ONE = """<Contents><Key>{}</Key><LastModified>2026-11-17T05:00:00.000Z</LastModified><ETag>{}</ETag><Size>{}</Size></Contents>"""


def s3(server, **objects):
    """A bucket on the server, by what its objects hold."""
    tags = {name: f'"{hash(body)}"' for name, body in objects.items()}
    listed = "".join(ONE.format(name, escape(tags[name]), len(body)) for name, body in objects.items())
    server.at("/shop", Reply(LISTED.format(listed).encode(), headers={"Content-Type": "application/xml"}))
    for name, body in objects.items():
        headers = {"ETag": tags[name], "Last-Modified": "Tue, 17 Nov 2026 05:00:00 GMT"}
        server.at(f"/shop/{name}", Reply(body.encode(), headers=headers))


def exports(server):
    options = {
        "endpoint": server.url,
        "region": "us-east-1",
        "access_key_id": "shop",
        "secret_access_key": "{env:KEY}",
    }
    return declared(path="", pull={"url": "s3://shop/exports/*.csv", "options": options})


def test_a_bucket_is_listed_and_what_is_new_in_it_is_fetched(server, question):
    s3(server, **{"exports/w46.csv": "week 46", "exports/notes.txt": "no"})
    first = objects.pull(question(exports(server), environment={"KEY": "s3cret"}))
    s3(server, **{"exports/w46.csv": "week 46", "exports/w47.csv": "week 47"})
    second = objects.pull(question(exports(server), marks=first.marks, environment={"KEY": "s3cret"}))
    assert (names(first), names(second)) == (["w46.csv"], ["w47.csv"])
    assert server.asked[0].query["prefix"] == "exports/"
    assert all("s3cret" not in str(asked) and "authorization" in asked.headers for asked in server.asked)


def test_a_bucket_that_refuses_is_an_error_of_ours(server, question):
    with pytest.raises(InfrastructureError, match=r"s3://shop/exports: .*404"):
        objects.pull(question(exports(server), environment={"KEY": "s3cret"}))


def test_an_option_nobody_knows_is_named(server, question):
    settings = declared(path="", pull={"url": "s3://shop/*.csv", "options": {"endpont": server.url}})
    with pytest.raises(InfrastructureError, match="'endpont' is not valid"):
        objects.pull(question(settings))
