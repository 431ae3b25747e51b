"""Branch protection as a decision: may this ref be moved like that?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

NOTHING = "0" * 40  # what git writes for a ref that is not there; repositories of SHA-256 have more zeros
HEADS, TAGS = "refs/heads/", "refs/tags/"
SHOWN = 12  # characters of a commit in a sentence

RefusalName = Literal["direct_push", "missing_checks", "force_push", "moved_tag"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What is protected, as globs, and which verbs must have passed for what lies on a protected branch."""

    trunk: str = "main"
    releases: tuple[str, ...] = ("release/*",)
    tags: tuple[str, ...] = ("fleet-*",)
    checks: tuple[str, ...] = ("ci code-validation", "ci model-validation")
    data_checks: tuple[str, ...] = ("ci model-validation --pinned",)  # of what pins other data for the trunk

    @property
    def branches(self) -> tuple[str, ...]:
        return (self.trunk, *self.releases)

    def protects(self, ref: str) -> bool:
        """Whether a ref may be moved by rule only.

        >>> [Rules().protects(f"refs/{ref}") for ref in ("heads/main", "heads/release/2026w47", "heads/x", "tags/fleet-3")]
        [True, True, False, True]
        """
        return self.protects_branch(ref) or self.protects_tag(ref)

    def protects_branch(self, ref: str) -> bool:
        return ref.startswith(HEADS) and _like(ref.removeprefix(HEADS), self.branches)

    def protects_tag(self, ref: str) -> bool:
        return ref.startswith(TAGS) and _like(ref.removeprefix(TAGS), self.tags)


def _like(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


@dataclass(frozen=True, slots=True)
class Update:
    """A ref that a push wants to move: from which object to which, all zeros where there is none."""

    old: str
    new: str
    ref: str

    @property
    def creates(self) -> bool:
        return not self.old.strip("0")

    @property
    def deletes(self) -> bool:
        return not self.new.strip("0")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the repository says about the commit that a protected branch shall be moved to.

    `tips` are the branches that lay at a commit before this push; `verdicts` how each recorded check of its tree ended;
    `pins` says that its `data.lock` is another one than before.
    """

    tree: str = ""
    parents: tuple[str, ...] = ()
    fast_forward: bool = False
    on_trunk: bool = False
    trunk_exists: bool = True
    tips: Mapping[str, str] = field(default_factory=dict)  # commit → name of a branch
    verdicts: Mapping[str, str] = field(default_factory=dict)  # verb → state
    pins: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a ref may not be moved, by name and in a sentence that says what to do instead."""

    name: RefusalName
    says: str


def judge(update: Update, facts: Facts, rules: Rules) -> Refusal | None:
    """May this ref be moved? None: yes."""
    if rules.protects_tag(update.ref):
        return _tag(update)
    if not rules.protects_branch(update.ref):
        return None
    branch = update.ref.removeprefix(HEADS)
    if update.deletes:
        return Refusal("force_push", f"{branch} is protected and cannot be deleted; leave it where it is.")
    if update.creates:
        return _begun(branch, facts, rules)
    return _moved(branch, update, facts) or _unchecked(branch, facts, rules)


def _tag(update: Update) -> Refusal | None:
    tag = update.ref.removeprefix(TAGS)
    if update.creates:
        return None
    verb = "deleted" if update.deletes else "moved"
    return Refusal(
        "moved_tag", f"{tag} names a fleet for good and cannot be {verb}; give what you mean a new tag."
    )


def _begun(branch: str, facts: Facts, rules: Rules) -> Refusal | None:
    """A branch that is not there yet begins on the trunk, or at what was checked; the trunk begins anywhere, once."""
    if facts.on_trunk or (branch == rules.trunk and not facts.trunk_exists):
        return None
    return _unchecked(branch, facts, rules)


def _moved(branch: str, update: Update, facts: Facts) -> Refusal | None:
    """A protected branch moves by merges of branches that were pushed before."""
    if not facts.fast_forward:
        return Refusal(
            "force_push",
            f"{branch} would lose commits that it has; fetch it, and merge your branch into it as it is now.",
        )
    if len(facts.parents) == 2 and facts.parents[0] == update.old and facts.parents[1] in facts.tips:
        return None
    return Refusal(
        "direct_push",
        f"{branch} moves by merges only: push your work as a branch of its own, let its checks run, then merge that"
        f" branch as it was pushed, onto {branch} at {update.old[:SHOWN]}, with `git merge --no-ff`.",
    )


def _unchecked(branch: str, facts: Facts, rules: Rules) -> Refusal | None:
    asked = (*rules.checks, *(rules.data_checks if facts.pins and branch == rules.trunk else ()))
    open_ = [verb for verb in asked if facts.verdicts.get(verb) != "passed"]
    if not open_:
        return None
    said = ", ".join(f"`{verb}` {facts.verdicts.get(verb, 'was not recorded')}" for verb in open_)
    return Refusal(
        "missing_checks",
        f"{branch} takes only what was checked, and for tree {facts.tree[:SHOWN]} {said};"
        " run it on these files, record its report on the server with `fleetcast ci record`, then push again.",
    )
