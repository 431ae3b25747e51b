"""Artefacts: what is read is what was written, or an error."""

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fleetcast.domain.errors import CorruptError, UsageError
from fleetcast.domain.models import Dumped
from fleetcast.registry.bank import Bank
from fleetcast.registry.packs import pack, unpack

numbers = arrays.arrays(
    dtype=st.sampled_from(["f4", "f8", "i1", "i4", "i8", "u1", "bool"]),
    shape=arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
dumped = st.builds(
    Dumped,
    kind=st.text(),
    arrays=st.dictionaries(st.text(min_size=1, max_size=5), numbers, max_size=3),
    meta=st.dictionaries(st.text(), json, max_size=3),
)


def only(folder: Path) -> Path:
    (path,) = (path for path in folder.rglob("*") if path.is_file())
    return path


@settings(max_examples=40)
@given(st.dictionaries(st.text(max_size=8), dumped, max_size=3))
def test_a_pack_gives_back_exactly_what_went_in(models):
    unpacked = unpack(pack(models))
    assert unpacked.keys() == models.keys()
    for key, model in models.items():
        assert (unpacked[key].kind, unpacked[key].meta) == (model.kind, model.meta)
        assert unpacked[key].arrays.keys() == model.arrays.keys()
        for name, array in model.arrays.items():
            stored = unpacked[key].arrays[name]
            assert (stored.dtype, stored.shape) == (array.dtype, array.shape)
            np.testing.assert_array_equal(stored, array)


def test_equal_models_give_equal_bytes_whatever_the_order_and_layout():
    square = np.arange(9.0).reshape(3, 3)
    first = {"a": Dumped("net", {"x": square, "y": np.ones(2, "f4")}), "b": Dumped("lasso")}
    second = {
        "b": Dumped("lasso"),
        "a": Dumped("net", {"y": np.ones(2, "f4"), "x": np.asfortranarray(square)}),
    }
    assert pack(first) == pack(second)


@pytest.mark.parametrize("array", [np.array(["text"]), np.array([object()]), np.array(["2026"], "M8[D]")])
def test_only_numbers_are_packed(array):
    with pytest.raises(UsageError, match="only numbers"):
        pack({"a": Dumped("lasso", {"w": array})})


@pytest.mark.parametrize("content", [b"", b"\x80\x04pickle", b"\xff" * 64, b"\x02\0\0\0\0\0\0\0{}"])
def test_what_is_no_pack_is_corrupt(content):
    with pytest.raises(CorruptError):
        unpack(content)


def test_a_blob_is_found_by_its_digest(bank):
    name = bank.put(b"weights")
    assert bank.has(name)
    assert bank.get(name) == b"weights"
    assert not bank.has("0" * 64)


def test_a_flipped_bit_is_found_and_putting_the_blob_again_mends_it(bank, tmp_path):
    name = bank.put(b"weights")
    path = only(tmp_path)
    path.chmod(0o644)
    path.write_bytes(b"weighty")
    with pytest.raises(CorruptError, match="damaged"):
        bank.get(name)
    bank.put(b"weights")
    assert bank.get(name) == b"weights"


def test_a_missing_blob_and_a_hostile_name_are_errors(bank):
    with pytest.raises(CorruptError, match="missing"):
        bank.get("0" * 64)
    with pytest.raises(CorruptError, match="not the digest"):
        bank.get("../../etc/passwd")


@pytest.mark.parametrize("call", ["fchmod", "fsync", "replace"])
def test_a_process_killed_while_it_writes_a_blob_leaves_none_of_it(bank, tmp_path, call):
    program = f"""
        import os, pathlib, signal
        from fleetcast.registry.bank import Bank
        die = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
        setattr(pathlib.Path if {call!r} == "replace" else os, {call!r}, die)
        Bank(pathlib.Path({str(tmp_path / "dev" / "bank")!r})).put(b"weights")
    """
    killed = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=False)
    assert killed.returncode == -9
    assert not [path for path in tmp_path.rglob("*") if len(path.name) == 64]
    name = bank.put(b"weights")
    assert bank.get(name) == b"weights"


def test_a_bank_reads_what_lies_beneath_it_and_writes_only_into_itself(tmp_path):
    beneath = Bank(tmp_path / "beneath")
    kept = beneath.put(b"kept")
    above = Bank(tmp_path / "above", beneath=beneath)
    made = above.put(b"made")
    assert (above.get(kept), above.get(made)) == (b"kept", b"made")
    assert above.has(kept)
    assert not beneath.has(made)
    with pytest.raises(CorruptError, match="is missing"):
        above.get("0" * 64)
