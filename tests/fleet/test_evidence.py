"""The evidence holds without Fleetcast, and whatever is changed in it is found."""

import hashlib
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleetcast.domain.errors import UsageError
from fleetcast.fleet import evidence, evidence_check, releases
from fleetcast.testing.kiosks import opened, run_week


@pytest.fixture(scope="module")
def made(first_week, tmp_path_factory):
    """The evidence of a chain of kiosks that was released, run by hand and rolled back."""
    root = tmp_path_factory.mktemp("evidence")
    folder = shutil.copytree(first_week[0], root / "chain")
    w = opened(folder)
    (first,) = (release.id for release in w.registry.releases.list())
    settings_file = folder / "fleetcast.toml"
    settings_file.write_text(settings_file.read_text("utf-8") + "\n[gate]\nmape = 0.44\n", "utf-8")
    run_week(folder)
    releases.rollback(opened(folder), first, actor="ada", reason="bias")
    return root / "bundle", evidence.export(opened(folder), root / "bundle")


@pytest.fixture
def bundle(made, tmp_path):
    return shutil.copytree(made[0], tmp_path / "bundle")


def checked(folder, *words):
    """What the script says, as an auditor runs it, apart from everything that is installed here."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", folder / "verify.py", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder.parent,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


def consistent(folder):
    """Write the list of files anew, as a forger would."""
    index = json.loads((folder / "bundle.json").read_bytes())
    index["files"] = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "bundle.json"
    }
    records = (folder / "audit.jsonl").read_bytes().splitlines()
    index["head"] = {"seq": len(records), "hash": json.loads(records[-1])["hash"]}
    (folder / "bundle.json").write_text(json.dumps(index), "utf-8")


def test_good_evidence_holds_and_says_what_was_checked(made):
    folder, written = made
    code, said = checked(folder, "--head", written.head_hash)
    assert (code, said.splitlines()[-1]) == (0, "all of it holds")
    for part in (f"{written.records} audit records", f"{written.manifests} releases", "2 publications"):
        assert part in said
    assert (written.manifests, written.head_seq) == (2, written.records)


def test_a_zip_file_holds_the_same(first_week, tmp_path):
    evidence.export(opened(first_week[0]), tmp_path / "evidence.zip")
    with zipfile.ZipFile(tmp_path / "evidence.zip") as archive:
        archive.extractall(tmp_path / "out")
    assert checked(tmp_path / "out")[0] == 0


def test_what_is_there_already_is_not_written_over(made, first_week):
    with pytest.raises(UsageError, match="is there already"):
        evidence.export(opened(first_week[0]), made[0])


def test_another_head_than_the_one_that_was_told_is_found(bundle):
    code, said = checked(bundle, "--head", "0" * 64)
    assert (code, "not the one that you were told" in said) == (1, True)


def test_a_reason_that_was_reworded_is_found_even_where_the_list_of_files_agrees(bundle):
    path = bundle / "audit.jsonl"
    path.write_text(path.read_text("utf-8").replace('"reason":"bias"', '"reason":"none"'), "utf-8")
    assert "audit.jsonl was changed" in checked(bundle)[1]
    consistent(bundle)
    code, said = checked(bundle)
    assert code == 1
    assert "audit record" in said


def test_a_tail_that_was_cut_off_is_found_by_what_a_publication_saw(bundle):
    path = bundle / "audit.jsonl"
    path.write_bytes(b"\n".join(path.read_bytes().splitlines()[:2]) + b"\n")
    consistent(bundle)
    code, said = checked(bundle)
    assert code == 1
    assert "saw another audit chain" in said


def test_a_record_that_was_left_out_is_found(bundle):
    path = bundle / "audit.jsonl"
    lines = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([lines[0], *lines[2:]]) + b"\n")
    consistent(bundle)
    assert "audit record 2 is missing" in checked(bundle)[1]


def test_a_manifest_that_was_changed_is_found_under_its_old_name_and_a_new_one(bundle):
    path = min((bundle / "manifests").iterdir())
    text = path.read_text("utf-8").replace('"passed":true', '"passed":false', 1)
    path.write_text(text, "utf-8")
    consistent(bundle)
    assert f"manifests/{path.name} is not what its name says" in checked(bundle)[1]
    path.rename(path.with_stem(hashlib.sha256(text.encode()).hexdigest()))
    consistent(bundle)
    said = checked(bundle)[1]
    assert "was never cut, says the audit chain" in said
    assert f"the manifest of release {path.stem} is missing" in said


def test_records_of_models_that_were_changed_are_found(bundle):
    (path, *_) = [path for path in (bundle / "contents").iterdir() if b'"lineage"' in path.read_bytes()]
    path.write_text(path.read_text("utf-8").replace("east", "west"), "utf-8")
    consistent(bundle)
    assert f"contents/{path.name} is not what its name says" in checked(bundle)[1]
    path.unlink()
    consistent(bundle)
    assert "are missing" in checked(bundle)[1]


def test_a_file_that_was_taken_away_or_put_there_is_found(bundle):
    next((bundle / "publications").glob("*/*.json")).unlink()
    (bundle / "more.txt").write_text("hello", "utf-8")
    said = checked(bundle)[1]
    assert "is missing" in said
    assert "more.txt is not of the bundle" in said


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whichever_bit_is_flipped_in_whichever_file_is_found(made, data):
    folder = made[0]
    path = data.draw(st.sampled_from([p for p in sorted(folder.rglob("*.json*")) if p.name != "bundle.json"]))
    before = path.read_bytes()
    place, bit = data.draw(st.integers(0, len(before) - 1)), data.draw(st.integers(0, 7))
    changed = bytearray(before)
    changed[place] ^= 1 << bit
    path.write_bytes(bytes(changed))
    try:
        assert evidence_check.verify(folder)[1] != []
    finally:
        path.write_bytes(before)
    assert evidence_check.verify(folder)[1] == []


def test_the_script_is_of_the_standard_library_alone():
    source = Path(evidence_check.__file__).read_text("utf-8")
    imports = {
        line.split()[1].split(".")[0] for line in source.splitlines() if line.startswith(("import ", "from "))
    }
    assert imports <= set(sys.stdlib_module_names)
