"""A push as a server's hook sees it: all its refs are judged, and what is refused is recorded before it is told."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fleetcast.delivery.protection import Facts, Refusal, Rules, Update, judge
from fleetcast.delivery.recorded_checks import verdicts
from fleetcast.delivery.repository import Repository
from fleetcast.domain.errors import UsageError

if TYPE_CHECKING:
    from fleetcast.workspace import Workspace

POLICY = "protection"
DATA_LOCK = "data.lock"  # spelled here too: a hook does not wait for the engines that read it


@dataclass(frozen=True, slots=True)
class Refused:
    """A ref that stays where it is, why, and the number of the audit record that says so."""

    update: Update
    refusal: Refusal
    record: int


def read_updates(lines: Iterable[str]) -> list[Update]:
    """The lines that git gives a pre-receive hook: old object, new object, ref."""
    found = [tuple(line.split()) for line in lines if line.strip()]
    if wrong := next((words for words in found if len(words) != 3), None):
        raise UsageError(
            f"{' '.join(wrong)!r} is no update of a ref; this verb is called by a hook of Git, with `OLD NEW REF` lines"
        )
    return [Update(*words) for words in found]


def facts(repository: Repository, update: Update, rules: Rules) -> Facts:
    """What the repository says about an update; nothing is asked where no rule needs it."""
    if not rules.protects_branch(update.ref) or update.deletes:
        return Facts()
    branches = repository.branches()
    commit = repository.commit(update.new)
    trunk = branches.get(rules.trunk)
    return Facts(
        tree=commit.tree,
        parents=commit.parents,
        fast_forward=update.creates or repository.reaches(update.new, update.old),
        on_trunk=trunk is not None and repository.reaches(trunk, update.new),
        trunk_exists=trunk is not None,
        tips={tip: name for name, tip in branches.items()},
        verdicts=verdicts(repository, commit.tree, (*rules.checks, *rules.data_checks)),
        pins=repository.file(update.new, DATA_LOCK) not in (None, repository.file(update.old, DATA_LOCK)),
    )


def refusals(repository: Repository, updates: Iterable[Update], rules: Rules) -> list[tuple[Update, Refusal]]:
    """Which refs of a push may not be moved; one is enough for git to take none."""
    judged = ((update, judge(update, facts(repository, update, rules), rules)) for update in updates)
    return [(update, refusal) for update, refusal in judged if refusal is not None]


def protect(
    repository: Repository,
    updates: Iterable[Update],
    rules: Rules,
    *,
    opened: Callable[[], "Workspace"],
    actor: str,
) -> list[Refused]:
    """Judge a push; each refusal is in the audit chain when this returns. The workspace is opened only for that."""
    found = refusals(repository, updates, rules)
    if not found:
        return []
    from fleetcast.ledger.audit import AuditEvent

    with opened().ledger as ledger, ledger.transaction() as transaction:
        return [
            Refused(
                update,
                refusal,
                transaction.append(
                    AuditEvent(
                        actor=actor,
                        action=f"refused.{refusal.name}",
                        subject=update.ref,
                        reason=refusal.says,
                        before=update.old,
                        after=update.new,
                        policy=POLICY,
                    )
                ).seq,
            )
            for update, refusal in found
        ]
