"""Verify the evidence in this folder: `python verify.py [--head HASH] [FOLDER]`. Needs Python 3.9 or later, nothing else.

It says what it checked and everything that is wrong, and exits with 0 when nothing is, with 1 when something is.
"""

from __future__ import annotations  # so that Python 3.9 reads the types

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]
Checked = tuple[str, list[str]]  # what was checked, what is wrong

GENESIS = "0" * 64  # what the first record is sealed onto
FIELDS = ("actor", "action", "subject", "reason", "before", "after", "policy")
POINTER = "release pointer"


def verify(folder: Path, head: str | None = None) -> tuple[list[str], list[str]]:
    """What was checked, and what is wrong, as two lists of sentences."""
    try:
        bundle = json.loads((folder / "bundle.json").read_bytes())
        checks = [
            check(folder, bundle, head) for check in (_files, _chain, _publications, _releases, _models)
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return [], [f"cannot be read: {type(error).__name__}: {error}"]
    return [said for said, _ in checks], [problem for _, problems in checks for problem in problems]


def _files(folder: Path, bundle: Json, _: str | None) -> Checked:
    """Every file is there as it was written, and no other."""
    problems: list[str] = []
    named = bundle["files"]
    for name, digest in named.items():
        path = folder / name
        if not path.is_file():
            problems.append(f"{name} is missing")
        elif _digest(path.read_bytes()) != digest:
            problems.append(f"{name} was changed")
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    problems += [f"{name} is not of the bundle" for name in sorted(there - set(named) - {"bundle.json"})]
    problems += [
        f"{name} is not what its name says"
        for name in sorted(named)
        if name.startswith(("manifests/", "contents/")) and (folder / name).is_file()
        if _digest((folder / name).read_bytes()) != Path(name).stem
    ]
    return f"{len(named)} files", problems


def _chain(folder: Path, bundle: Json, head: str | None) -> Checked:
    """Every audit record is sealed by the hash of the one before it, up to the head."""
    problems: list[str] = []
    last, seq = GENESIS, 0
    for record in _records(folder):
        seq += 1
        body: Json = {"seq": seq, "at": record["at"]}
        for name in FIELDS:
            body[name] = record[name]
        if record["seq"] != seq:
            problems.append(f"audit record {seq} is missing")
            break
        if record["previous"] != last:
            problems.append(f"audit record {seq} does not follow record {seq - 1}")
            break
        if record["hash"] != _digest(last.encode() + _canonical(body)):
            problems.append(f"audit record {seq} was changed")
            break
        last = record["hash"]
    if not problems and bundle["head"] != {"seq": seq, "hash": last}:
        problems.append(f"the audit chain ends at record {seq}, the bundle says at {bundle['head']['seq']}")
    if head is not None and head != last and not problems:
        problems.append(f"the head of the audit chain is {last}, and not the one that you were told")
    return f"{seq} audit records", problems


def _publications(folder: Path, _bundle: Json, _head: str | None) -> Checked:
    """Each publication is as it was written, and saw a record of this chain."""
    problems: list[str] = []
    found = sorted((folder / "publications").glob("*/*.json"))
    hashes = {record["seq"]: record["hash"] for record in _records(folder)}
    for path in found:
        body = json.loads(path.read_bytes())
        expected, name = body.pop("digest"), path.relative_to(folder).as_posix()
        if _digest(_canonical(body)) != expected:
            problems.append(f"{name} was changed")
        if hashes.get(body["audit_seq"], GENESIS) != body["audit_hash"]:
            problems.append(
                f"{name} saw another audit chain: record {body['audit_seq']} is not the one it saw"
            )
    return f"{len(found)} publications", problems


def _releases(folder: Path, _bundle: Json, _head: str | None) -> Checked:
    """Each release that was cut is here as it was cut, and each that went live was cut."""
    problems: list[str] = []
    cut, live = set(), None
    for record in _records(folder):
        if record["action"] == "release.cut":
            cut.add(record["subject"])
        if record["subject"] == POINTER:
            if record["before"] != live:
                problems.append(f"audit record {record['seq']} moves the pointer from what was not live")
            if record["after"] not in cut:
                problems.append(f"audit record {record['seq']} makes a release live that was never cut")
            live = record["after"]
    there = {path.stem for path in (folder / "manifests").glob("*.json")}
    problems += [f"the manifest of release {name} is missing" for name in sorted(cut - there)]
    problems += [f"release {name} was never cut, says the audit chain" for name in sorted(there - cut)]
    return f"{len(there)} releases", problems


def _models(folder: Path, _bundle: Json, _head: str | None) -> Checked:
    """Each model that a release serves was registered, where the audit chain says so, as the manifest has it."""
    problems: list[str] = []
    registered: Json = {}
    complete = True
    for record in _records(folder):
        if record["action"] == "model.register":
            said = json.loads(record["after"] or "{}")
            path = folder / "contents" / f"{said.get('records')}.json"
            if "records" not in said:
                complete = False  # from before records were kept
            elif not path.is_file():
                problems.append(f"the records of {record['subject']} are missing ({said['records']})")
            else:
                registered.update(json.loads(path.read_bytes()))
    for path in sorted((folder / "manifests").glob("*.json")):
        manifest = json.loads(path.read_bytes())
        members = [*manifest["members"].values(), *manifest["baselines"].values()]
        members += [member["pool"] for member in manifest["members"].values() if member.get("pool")]
        for member in members:
            known = registered.get(member["model"])
            if known is None and complete:
                problems.append(f"release {path.stem} serves {member['model']}, which was never registered")
            elif known is not None and (known["artefact"], known["key"]) != (
                member["artefact"],
                member["key"],
            ):
                problems.append(f"release {path.stem} serves another {member['model']} than was registered")
    return f"{len(registered)} models", problems


def _records(folder: Path) -> Iterator[Json]:
    with (folder / "audit.jsonl").open("rb") as lines:
        for line in lines:
            yield json.loads(line)


def _canonical(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def main(words: list[str]) -> int:
    head = None
    if words[:1] == ["--head"] and len(words) > 1:
        head, words = words[1], words[2:]
    folder = Path(words[0]) if words else Path(__file__).resolve().parent
    said, problems = verify(folder, head)
    sys.stdout.write("checked: " + (", ".join(said) or "nothing") + "\n")
    for problem in problems:
        sys.stdout.write(f"WRONG: {problem}\n")
    sys.stdout.write("WRONG: this evidence does not hold\n" if problems else "all of it holds\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
