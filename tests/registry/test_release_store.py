"""The release store under everything that may happen to it: any order of work, crashes, kills and racing readers."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import event

from fleetcast.domain.errors import ConflictError, PolicyRefusal, UsageError
from fleetcast.domain.models import TRANSITIONS
from fleetcast.ledger.audit import AuditEvent
from fleetcast.registry.manifest import Member
from fleetcast.registry.releases import standing

SEGMENTS = ("north/large/fast", "north/large/slow", "north/small/fast")
somewhere = st.none() | st.integers(0, 30)  # the statement, or the commit, before which the process dies


# Whoever planted a defect wants to know whether it is noticed, and not by how little.
PHASES = [phase for phase in Phase if phase is not Phase.shrink or "FLEETCAST_PLANTED" not in os.environ]


class Crash(BaseException):
    """The process dies here."""


@contextmanager
def crash(engine, after):
    """Die before the n-th statement or commit; what was committed by then stays."""
    left = after

    def step(*_):
        nonlocal left
        if left == 0:
            raise Crash
        left -= 1

    for name in ("before_cursor_execute", "commit"):
        event.listen(engine, name, step)
    try:
        yield
    finally:
        for name in ("before_cursor_execute", "commit"):
            event.remove(engine, name, step)


class ReleaseStore(RuleBasedStateMachine):
    """Work on one registry, compared with a plain stack of releases."""

    open_fleet = None
    empty = None  # a folder with a fresh ledger: a copy is quicker than a migration

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        shutil.copytree(self.empty, self.folder, dirs_exist_ok=True)
        self.stack, self.moved, self.states, self.approved = [], [], {}, set()
        self.told = []  # why something was not done
        self.closing = ExitStack()
        self.fleet = self.closing.enter_context(type(self).open_fleet(self.folder))

    def teardown(self):
        self.closing.close()
        shutil.rmtree(self.folder)

    def attempt(self, work, after):
        """Do a piece of work, perhaps dying in it; then see whether it happened, wholly or not at all."""
        ledger = self.fleet.registry.ledger
        before = ledger.pointer()
        try:
            if after is None:
                work()
            else:
                with crash(ledger._engine, after):
                    work()
        except (PolicyRefusal, UsageError) as error:
            self.told.append(str(error))
        except Crash:
            ledger.close()
            trained, now = self.fleet.trained, self.fleet.now
            self.fleet = self.closing.enter_context(type(self).open_fleet(self.folder))
            self.fleet.trained, self.fleet.now = trained, now
        live = self.fleet.registry.ledger.pointer()
        if live != before:
            self.moved.append(live)
            self.stack = self.stack[: self.stack.index(live)] if live in self.stack else self.stack
            self.stack.append(live)

    @rule(after=somewhere)
    def full(self, after):
        self.attempt(lambda: self.fleet.promote(self.fleet.full()), after)

    @precondition(lambda self: self.stack)
    @rule(segments=st.sets(st.sampled_from(SEGMENTS), min_size=1), after=somewhere)
    def partial(self, segments, after):
        self.attempt(lambda: self.fleet.promote(self.fleet.partial(*sorted(segments))), after)

    @precondition(lambda self: len(self.stack) > 1)
    @rule(after=somewhere)
    def back(self, after):
        self.attempt(lambda: self.fleet.registry.releases.rollback(actor="ana", reason="worse"), after)

    @precondition(lambda self: len(self.stack) > 1)
    @rule(segment=st.sampled_from(SEGMENTS), after=somewhere)
    def back_in_one_segment(self, segment, after):
        releases = self.fleet.registry.releases
        self.attempt(lambda: releases.rollback(actor="ana", reason="worse", segments=[segment]), after)

    @precondition(lambda self: len(set(self.moved)) > 1)
    @rule(data=st.data(), after=somewhere)
    def anywhere(self, data, after):
        target = data.draw(st.sampled_from(sorted(set(self.moved) - {self.stack[-1]})))
        self.attempt(
            lambda: self.fleet.registry.releases.rollback(target, actor="ana", reason="worse"), after
        )

    @precondition(lambda self: self.stack)
    @rule(segment=st.sampled_from(SEGMENTS), after=somewhere)
    def quarantine(self, segment, after):
        """The model of a segment is refused for good; the one known to be good serves, else its baseline."""
        releases = self.fleet.registry.releases
        live = releases.current().manifest
        model = live.members[segment].model
        found = live.baselines[segment.rpartition("/")[0]]
        baseline = Member(found.model, found.artefact, found.key, "baseline", passed=False)
        instead = {segment: releases.last_known_good(segment) or baseline}
        if live.members[segment].serving == "baseline":
            return
        self.attempt(
            lambda: releases.quarantine([model], instead=instead, actor="ana", reason="wrong"), after
        )
        refused = self.fleet.registry.models.get(model).state == "refused"
        assert refused == (releases.current().manifest.members[segment].model != model), "half a quarantine"

    @precondition(lambda self: self.moved)
    @rule(person=st.sampled_from(["ben", "cyd"]), data=st.data(), after=somewhere)
    def approve(self, person, data, after):
        """An approval is there with its audit event, or neither is; a person's first one stays."""
        release = data.draw(st.sampled_from(sorted(set(self.moved))))
        ledger = self.fleet.registry.ledger

        def work():
            with ledger.transaction() as transaction:
                transaction.approve(
                    release, person, f"by {person}", AuditEvent(person, "release.approve", release)
                )

        if (release, person) in self.approved:
            with pytest.raises(UsageError, match="already"):
                work()
            return
        self.attempt(work, after)
        with self.fleet.registry.ledger.view() as view:
            kept = {(one.release, one.person) for one in view.approvals()}
            audited = {(one.subject, one.actor) for one in view.audit(action="release.approve")}
        assert kept == audited
        assert self.approved <= kept <= self.approved | {(release, person)}
        self.approved = kept

    @precondition(lambda self: self.stack)
    @rule()
    def lose_a_race(self):
        late = self.fleet.partial(SEGMENTS[0])
        self.full(after=None)
        with pytest.raises(ConflictError):
            self.fleet.promote(late)

    @rule(passed=st.booleans(), after=somewhere)
    def only_train(self, passed, after):
        self.attempt(lambda: self.fleet.train(SEGMENTS[0], passed=passed), after)

    @invariant()
    def everything_holds(self):
        self.fleet.must_hold()

    @invariant()
    def only_models_in_quarantine_are_in_the_way(self):
        assert all("refused" in told for told in self.told)

    @invariant()
    def the_pointer_is_where_it_was_put(self):
        with self.fleet.registry.ledger.view() as view:
            assert view.pointer() == (self.stack[-1] if self.stack else None)
            assert standing(view.moves()) == self.stack

    @invariant()
    def models_moved_by_the_rules(self):
        states = {model.name: model.state for model in self.fleet.registry.models.list()}
        assert self.states.keys() <= states.keys(), "a model was lost"
        for name, before in self.states.items():
            after = states[name]
            reachable = TRANSITIONS[before] | {
                state for step in TRANSITIONS[before] for state in TRANSITIONS[step]
            }
            assert after == before or after in reachable
        self.states = states

    @invariant()
    def a_known_good_model_served_before_and_does_not_now(self):
        releases = self.fleet.registry.releases
        live = releases.current()
        for segment in SEGMENTS:
            good = releases.last_known_good(segment)
            if good:
                assert live is not None
                assert good.model != live.manifest.members[segment].model
                assert self.fleet.registry.models.get(good.model).state == "retired"


def test_no_order_of_work_and_no_crash_breaks_the_release_store(open_fleet, tmp_path):
    with open_fleet(tmp_path):
        pass
    tools = {"open_fleet": staticmethod(open_fleet), "empty": tmp_path}
    run_state_machine_as_test(
        type("Machine", (ReleaseStore,), tools),
        settings=settings(max_examples=10, stateful_step_count=12, phases=PHASES),
    )


def test_a_promotion_that_dies_at_any_statement_has_not_happened(fleet, registry):
    fleet.promote(fleet.full())
    before, after = registry.ledger.pointer(), fleet.full()
    deaths = 0
    while registry.ledger.pointer() == before:
        with crash(registry.ledger._engine, deaths):
            try:
                registry.releases.promote(after, actor="ci", reason="gate passed", expected=before)
            except Crash:
                deaths += 1
        fleet.must_hold()
    assert deaths > 8
    assert registry.ledger.pointer() == after


def test_readers_racing_a_hundred_promotions_of_56_segments_see_whole_fleets_only(
    fleet, open_fleet, tmp_path
):
    cells = product([f"region-{n}" for n in range(14)], ["large", "small"], ["fast", "slow"])
    fleet.segments = tuple("/".join(cell) for cell in cells)
    whole = {
        release: fleet.registry.releases.get(release).manifest.models
        for release in (fleet.full(), fleet.full())
    }
    over, seen, mixed = threading.Event(), set(), []

    def read():
        with open_fleet(tmp_path / "dev") as reader:
            while not over.is_set():
                with reader.registry.ledger.view() as view:
                    promoted, live = {model.name for model in view.models(state="promoted")}, view.pointer()
                seen.add(live)
                if promoted != whole.get(live, set()):
                    mixed.append((live, promoted))
                current = reader.registry.releases.current()
                if current and current.manifest.models != whole[current.id]:
                    mixed.append(current)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for _ in range(50):
        for release in whole:
            fleet.promote(release)
    over.set()
    for reader in readers:
        reader.join()
    assert mixed == []
    assert seen >= whole.keys()


def test_two_that_promote_at_once_are_told_apart(fleet, open_fleet, tmp_path):
    releases = [fleet.full(), fleet.full()]
    start, lost = threading.Barrier(2), []

    def promote(release):
        with open_fleet(tmp_path / "dev") as other:
            start.wait()
            try:
                other.registry.releases.promote(release, actor="ci", reason="", expected=None)
            except ConflictError:
                lost.append(release)

    threads = [threading.Thread(target=promote, args=[release]) for release in releases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lost) == 1
    assert fleet.registry.ledger.pointer() == next(release for release in releases if release not in lost)
    fleet.must_hold()


def test_a_process_killed_while_it_promotes_leaves_one_fleet_or_the_other(fleet, tmp_path):
    folder = tmp_path / "dev"
    both = [fleet.full(), fleet.full()]
    program = f"""
        import pathlib
        from datetime import UTC, datetime
        from fleetcast.ledger.store import Ledger
        from fleetcast.registry.bank import Bank
        from fleetcast.registry.store import Registry
        folder = pathlib.Path({str(folder)!r})
        ledger = Ledger.open(folder / "ledger.db", lambda: datetime.now(UTC))
        releases = Registry(ledger, Bank(folder / "bank"), "dev").releases
        while True:
            for release in {both!r}:
                releases.promote(release, actor="ci", reason="again", expected=ledger.pointer())
            print("promoted", flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    for delay in (0.03, 0.15):
        head = fleet.registry.ledger.head()[0]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "promoted\n"
            time.sleep(delay)
            os.kill(process.pid, signal.SIGKILL)
        fleet.must_hold()
        assert fleet.registry.ledger.head()[0] > head
        assert fleet.registry.ledger.pointer() in both


def test_a_rollback_with_nothing_live_is_a_usage_error(registry):
    with pytest.raises(UsageError, match="no earlier release"):
        registry.releases.rollback(actor="ana", reason="worse")
