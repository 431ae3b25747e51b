"""A kept list of defects, each planted into a copy of the package: the tests named beside it have to fail."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STORE = "tests/registry/test_release_store.py"
LIFE = "tests/registry/test_release_life.py"
POLICY = "tests/test_promotion.py"
PROMOTING = "tests/fleet/test_promoting.py"
TOKENS = "tests/oidc/test_tokens.py"
COMING = "tests/people/test_coming_from_a_provider.py"

pytestmark = pytest.mark.defects


@dataclass(frozen=True)
class Defect:
    """What is wrong in words; where, from what to what; and who has to notice."""

    says: str
    file: str
    old: str
    new: str
    noticed_by: str


DEFECTS = [
    Defect(
        "a partial release undoes what went live after its parent",
        "registry/releases.py",
        'if found.manifest.kind != "full" and found.manifest.parent != expected:',
        "if False:",
        LIFE,
    ),
    Defect(
        "a release whose artefact is damaged goes live",
        "registry/releases.py",
        "found = self._loadable(release)",
        "found = self.get(release)",
        LIFE,
    ),
    Defect(
        "what a release replaces stays promoted",
        "registry/releases.py",
        'dict.fromkeys(sorted(serving - release.manifest.models), "retired")',
        "{}",
        STORE,
    ),
    Defect(
        "the live model is known to be good",
        "registry/releases.py",
        "if member and age > 0 and",
        "if member and age >= 0 and",
        STORE,
    ),
    Defect(
        "a rollback leaves what it went back from standing",
        "registry/releases.py",
        "del stack[stack.index(move.release) + 1 :]",
        "stack.append(move.release)",
        STORE,
    ),
    Defect(
        "a refused model is released",
        "registry/releases.py",
        'if version.state == "refused":',
        "if False:",
        LIFE,
    ),
    Defect(
        "a rollback of one segment takes the others with it",
        "registry/releases.py",
        "for segment in segments\n    }\n    verdicts = {segment: target",
        "for segment in target.manifest.members\n    }\n    verdicts = {segment: target",
        LIFE,
    ),
    Defect(
        "a quarantined model can serve again",
        "registry/releases.py",
        "            transaction.transition(changes, event)\n        return self.get(derived.id)",
        "        return self.get(derived.id)",
        STORE,
    ),
    Defect(
        "a partial release loses a segment",
        "registry/releases.py",
        '        if lost:\n            raise UsageError(f"release {parent.id}',
        '        if False:\n            raise UsageError(f"release {parent.id}',
        LIFE,
    ),
    Defect(
        "a changed manifest is served",
        "registry/manifest.py",
        "if digest(stored.manifest.encode()) != stored.id:",
        "if False:",
        LIFE,
    ),
    Defect(
        "the pointer moves whatever is live",
        "ledger/transaction.py",
        "if found != expected:",
        "if False:",
        STORE,
    ),
    Defect(
        "the pointer moves without its row",
        "ledger/transaction.py",
        "self._connection.execute(insert(schema.moves).values(move))",
        "self._connection.execute(insert(schema.moves).values(move | {'release': found or to}))",
        STORE,
    ),
    Defect(
        "any state becomes any other",
        "ledger/transaction.py",
        "if state not in TRANSITIONS[before[name]]:",
        "if False:",
        LIFE,
    ),
    Defect(
        "an approval has no audit event of its own",
        "ledger/transaction.py",
        "replace(event, actor=person, subject=release, after=digest(signature.encode()))",
        "replace(event, actor='somebody', subject=release)",
        STORE,
    ),
    Defect(
        "a transaction that failed is kept",
        "ledger/database.py",
        "            connection.invalidate()  # after",
        "            connection.commit()  # after",
        STORE,
    ),
    Defect(
        "damaged bytes are read",
        "registry/bank.py",
        "if digest(content) != name:",
        "if False:",
        "tests/registry/test_bank_and_packs.py",
    ),
    Defect("an author counts", "promotion.py", " and a.person.lower() not in authors", "", POLICY),
    Defect("a signature that does not hold counts", "promotion.py", "if not a.flaw and", "if", POLICY),
    Defect(
        "an approval of another release counts",
        "promotion.py",
        "[approval for approval in approvals if approval.release == proposal.release]",
        "list(approvals)",
        POLICY,
    ),
    Defect("people approve bad models", "promotion.py", "if proposal.ill:", "if False:", POLICY),
    Defect("a missed quorum needs nobody", "promotion.py", "if not proposal.quorum:", "if False:", POLICY),
    Defect(
        "a change of policy approves itself",
        "fleet/promoting.py",
        "if live is None or live.manifest.policy is None:",
        "if True:",
        PROMOTING,
    ),
    Defect(
        "a refusal is not kept",
        "fleet/refusals.py",
        "seq = w.ledger.append(event).seq",
        "seq = 1",
        PROMOTING,
    ),
    Defect(
        "any model stands in for the one that was judged",
        "scoring/rehearsal.py",
        "TOLERANCE = 1e-6",
        "TOLERANCE = 1e6",
        PROMOTING,
    ),
    Defect(
        "anybody signs for anybody",
        "signatures.py",
        'return "" if done.returncode == 0 else',
        'return "" if True else',
        "tests/test_signatures.py",
    ),
    Defect(
        "an edited artifact runs",
        "artifacts.py",
        "if made.id != named:",
        "if False:",
        "tests/delivery/test_packaging.py",
    ),
    Defect(
        "a file of an artifact may be another one",
        "artifacts.py",
        "if digest(file.read_bytes()) != expected:",
        "if False:",
        "tests/delivery/test_packaging.py",
    ),
    Defect(
        "a protected branch is rewritten",
        "delivery/protection.py",
        "if not facts.fast_forward:",
        "if False:",
        "tests/delivery/test_protection.py",
    ),
    Defect(
        "what was merged needs no checks",
        "delivery/protection.py",
        'if facts.verdicts.get(verb) != "passed"]',
        "if False]",
        "tests/delivery/test_protection.py",
    ),
    Defect(
        "old weeks change by themselves",
        "fleet/admission.py",
        "if week and week < since)",
        "if False)",
        "tests/fleet/test_pins.py",
    ),
    Defect(
        "a token of another sign-in holds",
        "oidc/tokens.py",
        'nonce={"essential": True, "value": nonce}',
        'nonce={"essential": True}',
        TOKENS,
    ),
    Defect(
        "a token for another program holds",
        "oidc/tokens.py",
        'aud={"essential": True, "value": client_id}',
        'aud={"essential": True}',
        TOKENS,
    ),
    Defect(
        "an address that nobody has seen to is a group",
        "oidc/grants.py",
        'claims.get("email_verified") is not True',
        "False",
        "tests/oidc/test_grants.py",
    ),
    Defect(
        "a provider that calls itself otherwise is asked on",
        "oidc/description.py",
        'if document.get("issuer") != issuer:',
        "if False:",
        "tests/oidc/test_provider.py",
    ),
    Defect(
        "a sign-in that somebody else began lets in",
        "faces/signing/provided.py",
        'departure.secret and departure.state == request.query_params.get("state")',
        "True",
        "tests/faces/test_provided.py",
    ),
    Defect(
        "a sign-in is used twice",
        "people/departures.py",
        "connection.execute(delete(schema.departures).where(mine.state == departure.state))",
        "pass",
        COMING,
    ),
    Defect(
        "whoever is in no group any more keeps what they had",
        "people/store.py",
        "if found is not None and grant is Why.unmapped:",
        "if False:",
        COMING,
    ),
    Defect(
        "a disabled account comes back with a provider",
        "people/arrivals.py",
        "if found is not None and found.disabled:",
        "if False:",
        COMING,
    ),
    Defect(
        "what a provider says otherwise ends no session",
        "people/store.py",
        "sessions.end_all(connection, was.name)",
        "pass",
        COMING,
    ),
]


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.says.replace(" ", "-"))
def test_a_planted_defect_is_noticed(defect, tmp_path):
    package = shutil.copytree(
        ROOT / "src" / "fleetcast",
        tmp_path / "src" / "fleetcast",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    path = package / defect.file
    text = path.read_text("utf-8")
    assert text.count(defect.old) == 1, f"{defect.file} was changed: plant this defect anew"
    path.write_text(text.replace(defect.old, defect.new), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", defect.noticed_by],
        cwd=ROOT,
        env=os.environ
        | {"PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1", "FLEETCAST_PLANTED": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout[-2000:] + done.stderr[-2000:]
    assert done.returncode == 1, said
    assert " failed" in done.stdout, said
    assert (
        str(package)
        in subprocess.run(
            [sys.executable, "-c", "import fleetcast; print(fleetcast.__file__)"],
            env=os.environ | {"PYTHONPATH": str(package.parent)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )
