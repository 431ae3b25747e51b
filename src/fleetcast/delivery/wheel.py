"""A workspace as a wheel: its files under one name and version, equal bytes for equal files.

Its code is no package to be built, but files to be put somewhere: so there is no build backend that would have to run,
be downloaded, or be trusted. The format is that of https://packaging.python.org/en/latest/specifications/binary-distribution-format/
"""

import base64
import hashlib
import io
import re
import time
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fleetcast.artifacts import SHARE

EARLIEST = 315_532_800  # 1980-01-01: a zip file knows no earlier time
UP = "/".join([".."] * 3)  # from site-packages to the prefix: lib, python3.x, site-packages


@dataclass(frozen=True, slots=True)
class Built:
    """A wheel: the name of its file, and its bytes."""

    name: str
    content: bytes


def wheel(
    name: str,
    version: str,
    files: Mapping[str, bytes],
    *,
    requires: Iterable[str] = (),
    requires_python: str = "",
    made_at: int,
) -> Built:
    """The wheel of files, which are installed under `SHARE`; what is in their `src/` can be imported.

    `made_at` is the time of every file, in seconds since 1970.
    """
    stem = f"{re.sub(r'[-_.]+', '_', name).lower()}-{version}"
    info = f"{stem}.dist-info"
    metadata = [f"Name: {name}", f"Version: {version}"]
    metadata += [f"Requires-Python: {requires_python}"] if requires_python else []
    metadata += [f"Requires-Dist: {each}" for each in requires]
    held = {f"{stem}.data/data/{SHARE}/{path}": content for path, content in sorted(files.items())}
    held[f"{stem.split('-', maxsplit=1)[0]}_workspace.pth"] = f"{UP}/{SHARE}/src\n".encode()
    held[f"{info}/METADATA"] = _lines("Metadata-Version: 2.1", *metadata)
    held[f"{info}/WHEEL"] = _lines(
        "Wheel-Version: 1.0", "Generator: fleetcast", "Root-Is-Purelib: true", "Tag: py3-none-any"
    )
    record = [f"{path},{_hash(content)},{len(content)}" for path, content in held.items()]
    held[f"{info}/RECORD"] = _lines(*record, f"{info}/RECORD,,")
    return Built(f"{stem}-py3-none-any.whl", _zipped(held, max(made_at, EARLIEST)))


def _zipped(files: Mapping[str, bytes], made_at: int) -> bytes:
    when = time.gmtime(made_at)[:6]
    packed = io.BytesIO()
    # Stored as they are: what a compressor makes of them depends on the zlib of the machine.
    with zipfile.ZipFile(packed, "w") as archive:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path, when)
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)
    return packed.getvalue()


def _hash(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def _lines(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
