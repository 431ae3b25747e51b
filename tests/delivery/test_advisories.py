"""Advisories in OSV's format: which versions they are about, and when a database of them proves nothing."""

import http.server
import io
import json
import threading
import zipfile
from datetime import date, timedelta
from importlib.metadata import version

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.delivery.conftest import advisory

from fleetcast.delivery import osv
from fleetcast.delivery.advisories import Limits, Unusable
from fleetcast.delivery.checks import advised
from fleetcast.settings import AdvisoryPolicy, Waiver

NUMPY = {"numpy": {version("numpy")}}


def ranged(*events):
    return osv.Affected("shop", frozenset(), (events,))


# -------------------------------------------------------------------------------------------- which versions


@pytest.mark.parametrize(
    ("events", "inside", "outside"),
    [
        ((("introduced", "0"),), ["0.1", "99"], []),
        ((("introduced", "1.0"), ("fixed", "1.2")), ["1.0", "1.2rc1", "1.1.post1"], ["1.0a1", "1.2", "1.2.0", "1.10"]),
        ((("introduced", "1.0"), ("last_affected", "1.2")), ["1.2", "1.2.0"], ["1.2.post1", "1.3", "0.9"]),
        ((("fixed", "3"), ("introduced", "2"), ("fixed", "1"), ("introduced", "0")), ["0.5", "2.9"], ["1", "1.5", "3"]),
        ((("introduced", "0"), ("limit", "2")), ["1"], ["2", "3"]),
        ((("introduced", "1!0"),), ["1!0"], ["2026.1"]),
    ],
)  # fmt: skip
def test_a_range_is_read_as_pep_440_orders_versions(events, inside, outside):
    affected = ranged(*events)
    assert [version for version in inside if not affected.includes(version)] == []
    assert [version for version in outside if affected.includes(version)] == []


@given(st.lists(st.integers(0, 30), min_size=1, max_size=8, unique=True), st.integers(0, 30), st.randoms())
def test_events_may_come_in_any_order(bounds, mine, random):
    kinds = [("introduced", "fixed")[place % 2] for place in range(len(bounds))]
    events = [(kind, f"1.{bound}") for kind, bound in zip(kinds, sorted(bounds), strict=True)]
    reached = [kind for kind, bound in zip(kinds, sorted(bounds), strict=True) if bound <= mine]
    random.shuffle(events)
    assert ranged(*events).includes(f"1.{mine}") is (bool(reached) and reached[-1] == "introduced")


def test_a_version_may_be_named_in_another_spelling():
    affected = osv.Affected("shop", frozenset({"1.0", "2.0.dev-r12"}), ())
    assert affected.includes("1.0.0")
    assert affected.includes("2.0.dev-r12")
    assert not affected.includes("1.0.1")


def test_a_version_that_cannot_be_ordered_is_not_known_to_be_safe():
    assert ranged(("introduced", "1"), ("fixed", "2")).includes("our-own-build")


def test_an_advisory_that_was_withdrawn_is_about_nothing():
    assert not osv.read(advisory(withdrawn="2026-11-19T00:00:00Z")).about("numpy", "2.0")


def test_packages_of_other_ecosystems_and_commits_are_left_out():
    told = advisory()
    told["affected"] += [{"package": {"ecosystem": "npm", "name": "numpy"}}]
    told["affected"][0]["ranges"] += [{"type": "GIT", "repo": "x", "events": [{"introduced": "0"}]}]
    (affected,) = osv.read(told).affected
    assert len(affected.ranges) == 1


NAMELESS = {"package": {"ecosystem": "PyPI"}}


@pytest.mark.parametrize(
    "told", [None, [], {}, {"id": 3}, advisory(modified="soon"), advisory(affected=[NAMELESS])], ids=repr
)
def test_what_is_no_advisory_is_not_taken_for_one(told):
    with pytest.raises(osv.Malformed):
        osv.read(told)


# ----------------------------------------------------------------------------------------------- the check


@pytest.fixture
def look(now):
    def look(source, versions=NUMPY, limits=None, **policy):
        source = None if source is None else str(source)
        return advised.advisories(source, versions, AdvisoryPolicy(**policy), now, limits)

    return look


def test_a_planted_advisory_against_something_installed_fails(look, planted):
    check = look(planted(advisory(aliases=["CVE-2026-7"]), advisory("PYSEC-2026-2", "django")))
    assert check.state == "failed"
    (finding,) = check.findings
    assert finding.rule == "PYSEC-2026-1"
    assert finding.message.startswith(f"numpy {version('numpy')} (CVE-2026-7): everything of it is wrong")
    assert check.evidence["records"] == 2


def test_a_database_without_anything_about_us_passes(look, planted):
    check = look(planted(advisory("PYSEC-2026-2", "django")))
    assert (check.state, check.says) == ("passed", "1 package held against 1 record: none found")


def test_a_name_may_be_spelled_otherwise(look, planted):
    assert look(planted(advisory(package="My_Shop.x")), {"my-shop-x": {"1.0"}}).state == "failed"


def test_a_version_that_is_locked_counts_as_one_that_is_installed(look, planted):
    told = advisory()
    told["affected"][0]["ranges"][0]["events"] = [{"introduced": "0"}, {"fixed": "2"}]
    assert look(planted(told), {"numpy": {"2.4", "1.9"}}).state == "failed"
    assert look(planted(told), {"numpy": {"2.4"}}).state == "passed"


def test_without_advisories_the_check_is_skipped_and_says_so(look):
    check = look(None)
    assert check.state == "skipped"
    assert "--advisories" in check.says


def test_a_policy_that_requires_advisories_takes_none_for_no_audit(look):
    assert look(None, required=True).state == "infrastructure"


# ----------------------------------------------------------------------------------------------- waivers


def waiver(until, name="PYSEC-2026-1"):
    return Waiver(advisory=name, until=until, reason="we do not call it")


def test_a_waiver_bears_an_advisory_to_the_end_of_its_day(look, planted, now):
    check = look(planted(advisory()), waived=(waiver(now.date()),))
    assert (check.state, check.findings[0].rule) == ("passed", "waived")
    assert "1 waived" in check.says


def test_an_expired_waiver_fails(look, planted, now):
    check = look(planted(advisory()), waived=(waiver(now.date() - timedelta(days=1)),))
    assert check.state == "failed"
    assert check.findings[0].message.endswith("its waiver ended on 2026-11-19")


def test_a_waiver_may_name_an_alias(look, planted):
    told = advisory(aliases=["CVE-2026-7"])
    assert look(planted(told), waived=(waiver(date(2027, 1, 1), "CVE-2026-7"),)).state == "passed"


def test_a_waiver_that_nothing_needs_is_told_and_fails_nothing(look, planted):
    check = look(planted(advisory("PYSEC-2026-2", "django")), waived=(waiver(date(2027, 1, 1)),))
    assert (check.state, check.findings[0].level) == ("passed", "warning")


# ------------------------------------------------------------------------------ when a database proves nothing


def test_an_old_database_is_no_audit(look, planted):
    check = look(planted(advisory(modified="2026-11-01T00:00:00Z")))
    assert check.state == "infrastructure"
    assert "19 days old" in check.says
    assert look(planted(advisory(modified="2026-11-01T00:00:00Z")), maximum_age_days=19).state == "failed"


def test_a_selection_may_say_when_it_was_retrieved(look, planted):
    folder = planted(advisory(modified="2020-01-01T00:00:00Z"))
    (folder / "database.json").write_text('{"retrieved": "2026-11-19T06:00:00Z"}', "utf-8")
    assert look(folder).state == "failed"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", "{"),
        ("a.json", "[" * 100_000),
        ("a.json", '{"id": "x"}'),
        ("database.json", "{}"),
        ("database.json", '{"retrieved": "2027-01-01T00:00:00Z"}'),
    ],
)
def test_one_file_that_cannot_be_read_makes_the_whole_database_no_audit(look, planted, name, text):
    folder = planted(advisory())
    (folder / name).write_text(text, "utf-8")
    with pytest.raises(Unusable):
        look(folder)


def test_a_database_of_another_ecosystem_is_no_audit(look, planted):
    told = advisory()
    told["affected"][0]["package"]["ecosystem"] = "npm"
    with pytest.raises(Unusable, match="no advisory about a package of PyPI"):
        look(planted(told))


@pytest.mark.parametrize(
    "source", ["nowhere", "ftp://mirror.example/all.zip", "http://127.0.0.1:1/all.zip", "http://[/x"]
)
def test_what_cannot_be_reached_is_no_audit(look, source):
    with pytest.raises(Unusable, match="nothing was checked"):
        look(source)


def test_a_password_in_the_address_is_not_repeated(look):
    with pytest.raises(Unusable) as raised:
        look("http://robot:" + "geheim@127.0.0.1:1/all.zip")
    assert "geheim" not in str(raised.value)


# ----------------------------------------------------------------------------------- zips, and where they come from


def zipped(*records, extra=()):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for record in records:
            archive.writestr(f"{record['id']}.json", json.dumps(record))
        for name, content in extra:
            archive.writestr(name, content)
    return file.getvalue()


def damaged(content):
    """One byte of the packed record is another one."""
    return content[:60] + bytes([content[60] ^ 0xFF]) + content[61:]


@pytest.fixture
def served():
    """A server on this machine that answers with given bytes."""
    made = []

    def serve(content, status=200, length=None, **headers):
        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content) if length is None else length))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}/all.zip"

    yield serve
    for server in made:
        server.shutdown()
        server.server_close()


def test_a_zip_is_fetched_from_a_server_and_held_against_what_is_installed(look, served):
    check = look(served(zipped(advisory(), extra=[("README.md", "hello")])))
    assert (check.state, check.findings[0].rule) == ("failed", "PYSEC-2026-1")


def test_a_zip_may_lie_on_the_disk(look, tmp_path):
    (tmp_path / "all.zip").write_bytes(zipped(advisory("PYSEC-2026-2", "django")))
    assert look(tmp_path / "all.zip").state == "passed"


def test_a_server_that_has_none_is_no_audit(look, served):
    with pytest.raises(Unusable, match="404"):
        look(served(b"", status=404))


def test_an_address_may_lead_to_another_one_on_the_web(look, served):
    there = served(zipped(advisory("PYSEC-2026-2", "django")))
    assert look(served(b"", status=302, Location=there)).state == "passed"


def test_an_address_that_leads_out_of_the_web_is_not_followed(look, served, tmp_path):
    (tmp_path / "all.zip").write_bytes(zipped(advisory("PYSEC-2026-2", "django")))
    with pytest.raises(Unusable):
        look(served(b"", status=302, Location=f"file://{tmp_path}/all.zip"))


def test_a_download_that_broke_off_is_no_audit(look, served):
    content = zipped(advisory())
    with pytest.raises(Unusable):
        look(served(content, length=len(content) + 10))


@pytest.mark.parametrize("content", [b"", b"<html>", zipped(advisory())[:-30], damaged(zipped(advisory()))])
def test_what_is_no_whole_zip_is_no_audit(look, served, content):
    with pytest.raises(Unusable):
        look(served(content))


@pytest.mark.parametrize(
    "limits", [Limits(download=100), Limits(record=100), Limits(unpacked=5000), Limits(records=3)]
)
def test_a_database_larger_than_any_honest_one_is_no_audit(look, served, limits):
    many = zipped(*(advisory(f"PYSEC-2026-{n}", "django", details="x" * 2000) for n in range(4)))
    with pytest.raises(Unusable, match="larger than any honest one"):
        look(served(many), limits=limits)
