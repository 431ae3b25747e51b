"""The ledger as a file: durable settings, schema, and what it refuses."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

import fleetcast.ledger
from fleetcast.domain.errors import ConflictError, CorruptError, InfrastructureError, UsageError
from fleetcast.ledger import database, schema
from fleetcast.ledger.audit import AuditEvent
from fleetcast.ledger.store import Ledger

EVENT = AuditEvent("ana", "note", "nothing")


def raw(path: Path, *statements: str) -> list[tuple[object, ...]]:
    """Run SQL behind the ledger's back."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        return [row for statement in statements for row in connection.execute(statement).fetchall()]
    finally:
        connection.close()


def release(ledger: Ledger, manifest: str = "{}") -> str:
    with ledger.transaction() as transaction:
        stored = transaction.add_release(manifest, kind="full", parent=None, event=EVENT)
    return stored.id


def test_every_connection_is_durable(ledger, path):
    with database.reading(ledger._engine) as connection:
        pragmas = ("journal_mode", "synchronous", "foreign_keys")
        values = [connection.execute(text(f"PRAGMA {pragma}")).scalar() for pragma in pragmas]
    assert values == ["wal", 2, 1]


def test_the_newest_migration_is_the_one_the_code_expects():
    folder = Path(fleetcast.ledger.__file__).with_name("migrations")
    assert ScriptDirectory(str(folder)).get_current_head() == database.HEAD


def test_the_migrations_make_the_schema_that_the_code_uses(ledger):
    with database.reading(ledger._engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []


def test_a_ledger_that_is_up_to_date_opens_without_alembic(ledger, path):
    program = f"""
        import sys, time, pathlib
        from datetime import UTC, datetime
        from fleetcast.ledger.store import Ledger
        begun = time.process_time()
        Ledger.open(pathlib.Path({str(path)!r}), lambda: datetime.now(UTC)).head()
        print("alembic" in sys.modules, time.process_time() - begun < 0.3)
    """
    answer = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True
    )
    assert answer.stdout.split() == ["False", "True"]


def test_a_ledger_of_a_newer_fleetcast_is_left_alone(ledger, path, clock):
    raw(path, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(InfrastructureError, match="revision 9999"):
        Ledger.open(path, clock)


@pytest.fixture
def older(ledger, path) -> Path:
    """A ledger as the Fleetcast before this one left it."""
    made = release(ledger)
    ledger.move_pointer(expected=None, to=made, event=EVENT)
    ledger.close()
    raw(
        path,
        *(f"DROP TABLE {name}" for name in ("approvals", "incidents", "notices", "shadows", "overrides")),
        "UPDATE alembic_version SET version_num = '0003'",
    )
    return path


def revision(path: Path) -> str:
    return str(raw(path, "SELECT version_num FROM alembic_version")[0][0])


def test_an_older_ledger_is_brought_up_to_date(older, clock):
    with Ledger.open(older, clock) as ledger, ledger.view() as view:
        assert view.approvals() == []
    assert revision(older) == database.HEAD


def test_what_is_live_is_read_in_an_older_ledger_that_is_kept_as_it_is_and_a_refusal_is_recorded(
    older, clock
):
    with Ledger.open(older, clock, older="keep") as ledger:
        ledger.append(EVENT)
        with ledger.view() as view:
            live = view.pointer()
            assert live is not None
            assert [stored.id for stored in view.releases()] == [live]
    assert revision(older) == "0003"


def test_an_older_ledger_is_left_alone_where_only_artifacts_may_move_it(older, clock):
    with pytest.raises(InfrastructureError, match=r"revision 0003.*the artifact's own program"):
        Ledger.open(older, clock, older="refuse")
    assert revision(older) == "0003"


def test_a_file_that_is_no_ledger_is_a_clear_error(path, clock):
    path.parent.mkdir()
    path.write_bytes(b"not a database at all, but long enough to have a header" * 20)
    with pytest.raises(CorruptError, match=r"ledger\.db"):
        Ledger.open(path, clock)


@pytest.mark.parametrize("table", ["audit", "releases", "moves", "models"])
def test_append_only_tables_refuse_update_and_delete_even_behind_our_back(ledger, path, table):
    live = release(ledger)
    ledger.move_pointer(expected=None, to=live, event=EVENT)
    raw(path, "INSERT INTO models VALUES ('m', 's', '2026w47', 1, 'ensemble', 'c', '{}', 'registered', 1)")
    column = {"audit": "reason", "releases": "manifest", "moves": "release", "models": "manifest"}[table]
    for statement in (f"UPDATE {table} SET {column} = 'x'", f"DELETE FROM {table}"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            raw(path, statement)


def test_an_audit_event_shares_the_fate_of_what_it_audits(ledger):
    def dies() -> None:
        with ledger.transaction() as transaction:
            transaction.add_release("{}", kind="full", parent=None, event=EVENT)
            raise RuntimeError("here")

    with pytest.raises(RuntimeError):
        dies()
    with ledger.view() as view:
        assert (view.releases(), view.audit()) == ([], [])


def test_the_pointer_moves_only_from_where_it_was_expected(ledger):
    first, second = release(ledger, "{}"), release(ledger, "[]")
    ledger.move_pointer(expected=None, to=first, event=EVENT)
    with pytest.raises(ConflictError, match="expected to be live"):
        ledger.move_pointer(expected=None, to=second, event=EVENT)
    assert ledger.pointer() == first


def test_the_pointer_names_only_releases_that_exist(ledger):
    with pytest.raises(UsageError, match="unknown"):
        ledger.move_pointer(expected=None, to="0" * 64, event=EVENT)
    assert ledger.audit() == []


def test_the_event_of_a_move_says_truly_from_where_to_where(ledger):
    live = release(ledger)
    ledger.move_pointer(
        expected=None, to=live, event=AuditEvent("ana", "promote", "", before="lie", after="lie")
    )
    record = ledger.audit(action="promote")[0]
    assert (record.subject, record.before, record.after) == ("release pointer", None, live)


def test_nobody_can_write_a_move_that_did_not_happen(ledger):
    with pytest.raises(UsageError):
        ledger.append(AuditEvent("eve", "promote", "release pointer", after="r9"))


def test_time_in_the_ledger_never_runs_backwards(ledger, clock):
    noon = ledger.append(EVENT).at
    clock.forward(hours=-3)
    assert ledger.append(EVENT).at == noon


def test_the_newest_audit_records_come_in_order(ledger):
    for number in range(5):
        ledger.append(AuditEvent("ana", "odd" if number % 2 else "even", str(number)))
    assert [record.subject for record in ledger.audit(limit=2)] == ["3", "4"]
    assert [record.subject for record in ledger.audit(action="even")] == ["0", "2", "4"]


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE audit SET reason = 'quietly' WHERE seq = 2",
        "UPDATE audit SET at = 'yesterday' WHERE seq = 2",
        "DELETE FROM audit WHERE seq = 2",
        "DELETE FROM moves",
        "UPDATE moves SET release = 'other'",
        "INSERT INTO moves VALUES (1, '2026-11-23T06:00:00.000000+00:00', 'other')",
    ],
)
def test_verify_finds_what_was_done_to_the_file(ledger, path, tampering):
    ledger.append(EVENT)
    live = release(ledger)
    ledger.move_pointer(expected=None, to=live, event=EVENT)
    assert ledger.verify().ok
    triggers = [
        f"DROP TRIGGER {row[0]}" for row in raw(path, "SELECT name FROM sqlite_master WHERE type = 'trigger'")
    ]
    raw(path, *triggers, tampering)
    assert not ledger.verify().ok


def test_verify_finds_a_cut_tail_against_an_anchored_head(ledger, path):
    ledger.append(EVENT)
    ledger.append(EVENT)
    seq, head = ledger.head()
    raw(path, "DROP TRIGGER audit_no_delete", f"DELETE FROM audit WHERE seq = {seq}")
    assert ledger.verify().ok
    assert ledger.verify({seq: head}).bad_seq == seq


def test_many_writers_at_once_make_one_chain(ledger, path):
    program = f"""
        import pathlib
        from datetime import UTC, datetime
        from fleetcast.ledger.audit import AuditEvent
        from fleetcast.ledger.store import Ledger
        with Ledger.open(pathlib.Path({str(path)!r}), lambda: datetime.now(UTC)) as ledger:
            for number in range(20):
                ledger.append(AuditEvent("worker", "note", str(number)))
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    workers = [subprocess.Popen(command) for _ in range(2)]
    assert [worker.wait() for worker in workers] == [0, 0]
    assert ledger.head()[0] == 40
    assert ledger.verify().ok


def test_a_process_killed_inside_a_transaction_leaves_what_was_before(ledger, path):
    live = release(ledger)
    program = f"""
        import pathlib, time
        from datetime import UTC, datetime
        from fleetcast.ledger.audit import AuditEvent
        from fleetcast.ledger.store import Ledger
        with Ledger.open(pathlib.Path({str(path)!r}), lambda: datetime.now(UTC)).transaction() as transaction:
            transaction.move_pointer(expected=None, to={live!r}, event=AuditEvent("x", "promote", ""))
            print("written", flush=True)
            time.sleep(60)
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        os.kill(process.pid, signal.SIGKILL)
    begun = time.monotonic()
    assert ledger.pointer() is None
    ledger.move_pointer(expected=None, to=live, event=EVENT)
    assert ledger.verify().ok
    assert time.monotonic() - begun < 5


def test_a_server_that_answers_before_a_commit_is_on_its_disk_is_told_to_wait(postgresql, clock):
    url = postgresql.database()
    name = url.partition("?")[0].rpartition("/")[2]
    with Ledger.open(url, clock) as ledger, database.writing(ledger._engine) as connection:
        connection.execute(text(f"ALTER DATABASE {name} SET synchronous_commit = off"))
    with Ledger.open(url, clock) as ledger, database.reading(ledger._engine) as connection:
        assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"


def test_tables_that_only_grow_refuse_change_on_a_server_too(postgresql, clock):
    with Ledger.open(postgresql.database(), clock) as ledger:
        ledger.append(EVENT)
        for statement in ("UPDATE audit SET actor = 'eve'", "DELETE FROM audit"):
            with (
                pytest.raises(InfrastructureError, match="append-only"),
                database.writing(ledger._engine) as c,
            ):
                c.execute(text(statement))
        assert ledger.verify().ok


def test_a_url_of_no_ledger_says_what_one_looks_like(clock):
    with pytest.raises(UsageError, match=r"postgresql\+psycopg://USER@HOST/DATABASE"):
        Ledger.open("nosuch://host/ledger", clock)


def test_a_server_that_does_not_answer_is_an_infrastructure_error(tmp_path, clock):
    with pytest.raises(InfrastructureError, match="try again"):
        Ledger.open(f"postgresql+psycopg://fleet@/ledger?host={tmp_path}", clock)


def test_a_database_that_cannot_be_opened_is_an_infrastructure_error(tmp_path, clock):
    with pytest.raises(InfrastructureError, match="try again"):
        Ledger.open(tmp_path, clock)  # a folder
