"""Raw files are kept as received, once."""

import os
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context

import pytest

from fleetcast.domain.errors import CorruptError, SourceError, UsageError
from fleetcast.domain.versions import digest
from fleetcast.sources.raw import RawFile, RawStore

MONDAY = datetime(2026, 11, 9, 6, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture
def store(tmp_path):
    return RawStore(tmp_path / "state")


@pytest.fixture
def sent(tmp_path):
    """A file as a sender put it somewhere."""

    def write(name, content):
        path = tmp_path / "sent" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return name, path

    return write


def test_a_file_is_kept_by_its_digest_with_a_receipt(store, sent, tmp_path):
    (file,) = store.receive("deliveries", [sent("in/a.csv", b"1\n")], MONDAY)
    assert file == RawFile(digest(b"1\n"), "in/a.csv", MONDAY, initial=True, bytes=2)
    assert store.path(file) == tmp_path / "state" / "raw" / digest(b"1\n")
    assert store.path(file).read_bytes() == b"1\n"
    assert store.files("deliveries") == [file]


def test_the_same_bytes_received_twice_have_one_receipt(store, sent):
    first = store.receive("deliveries", [sent("a.csv", b"1\n")], MONDAY)
    assert store.receive("deliveries", [sent("a.csv", b"1\n")], TUESDAY) == first
    assert store.receive("deliveries", [sent("a.csv", b"1\n")] * 2, TUESDAY) == first * 2
    assert store.files("deliveries") == first


def test_a_corrected_file_of_the_same_name_is_another_receipt(store, sent):
    store.receive("deliveries", [sent("a.csv", b"1\n")], MONDAY)
    store.receive("deliveries", [sent("a.csv", b"2\n")], TUESDAY)
    assert [(file.received, file.initial) for file in store.files("deliveries")] == [
        (MONDAY, True),
        (TUESDAY, False),
    ]


def test_only_the_first_call_of_a_source_is_its_initial_load(store, sent):
    first = store.receive("deliveries", [sent("a.csv", b"1\n"), sent("b.csv", b"2\n")], MONDAY)
    later = store.receive("deliveries", [sent("c.csv", b"3\n")], TUESDAY)
    other = store.receive("returns", [sent("c.csv", b"3\n")], TUESDAY)
    assert [file.initial for file in [*first, *later, *other]] == [True, True, False, True]


def test_files_come_in_the_order_they_were_received(store, sent):
    store.receive("deliveries", [sent("z.csv", b"1\n"), sent("y.csv", b"2\n")], MONDAY)
    store.receive("deliveries", [sent("a.csv", b"3\n")], TUESDAY)
    assert [file.name for file in store.files("deliveries")] == ["y.csv", "z.csv", "a.csv"]


def test_an_unknown_source_has_no_files(store):
    assert store.files("nothing") == []


def test_a_missing_file_leaves_no_receipt_of_the_whole_call(store, sent, tmp_path):
    with pytest.raises(SourceError, match="missing"):
        store.receive("deliveries", [sent("a.csv", b"1\n"), ("gone.csv", tmp_path / "gone.csv")], MONDAY)
    assert store.files("deliveries") == []


def test_a_folder_is_no_file(store, tmp_path):
    with pytest.raises(SourceError, match="missing"):
        store.receive("deliveries", [("folder", tmp_path)], MONDAY)


def test_kept_files_cannot_be_written(store, sent):
    (file,) = store.receive("deliveries", [sent("a.csv", b"1\n")], MONDAY)
    assert store.path(file).stat().st_mode & 0o222 == 0


def test_a_flipped_bit_is_found_before_a_file_is_read(store, sent):
    (file,) = store.receive("deliveries", [sent("a.csv", b"1\n")], MONDAY)
    path = store.path(file)
    path.chmod(0o644)
    path.write_bytes(b"3\n")
    with pytest.raises(CorruptError, match=r"a\.csv"):
        store.path(file)


def test_a_lost_file_is_named(store, sent):
    (file,) = store.receive("deliveries", [sent("a.csv", b"1\n")], MONDAY)
    store.path(file).unlink()
    with pytest.raises(CorruptError, match=r"a\.csv"):
        store.path(file)


def test_half_written_receipts_are_never_read_as_fewer(store, sent, tmp_path):
    store.receive("deliveries", [sent("a.csv", b"1\n")], MONDAY)
    receipts = tmp_path / "state" / "raw" / "receipts" / "deliveries.jsonl"
    receipts.write_bytes(receipts.read_bytes()[:-20])
    with pytest.raises(CorruptError, match=r"deliveries\.jsonl"):
        store.files("deliveries")


@pytest.mark.parametrize("name", ["/etc/passwd", "../up.csv", "a/../../b", "", "a\\b"])
def test_a_name_that_leaves_the_folder_is_refused(store, sent, name):
    with pytest.raises(UsageError):
        store.receive("deliveries", [(name, sent("a.csv", b"1\n")[1])], MONDAY)


def test_a_moment_without_a_zone_is_refused(store, sent):
    with pytest.raises(UsageError, match="time zone"):
        store.receive("deliveries", [sent("a.csv", b"1\n")], MONDAY.replace(tzinfo=None))


def test_a_call_that_is_killed_was_never_made(store, sent, tmp_path):
    files = [sent("a.csv", b"1\n"), sent("b.csv", b"2\n")]
    child = get_context("spawn").Process(target=_killed_between, args=(store, files))
    child.start()
    child.join()
    assert child.exitcode == 9
    assert store.files("deliveries") == []

    again = store.receive("deliveries", files, TUESDAY)
    assert [file.initial for file in again] == [True, True]


def _killed_between(store, files):
    def sending():
        yield files[0]
        os._exit(9)

    store.receive("deliveries", sending(), MONDAY)


def test_two_processes_receiving_at_once_lose_nothing(store, sent):
    files = [sent(f"{i}.csv", b"%d\n" % i) for i in range(12)]
    children = [
        get_context("spawn").Process(target=_receive_each, args=(store, files[i::3])) for i in range(3)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0, 0, 0]
    assert sorted(file.name for file in store.files("deliveries")) == sorted(name for name, _ in files)


def _receive_each(store, files):
    for file in files:
        store.receive("deliveries", [file], MONDAY)
