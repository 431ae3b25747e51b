from fleetcast import workspace
from fleetcast.fleet.run import run_cycle


class Strict:
    """Knows the stages that have begun, and hears of no other."""

    def __init__(self):
        self.begun, self.ended = set(), set()

    def stage(self, name, total):
        self.begun.add(name)

    def advance(self, name, note=""):
        assert name in self.begun

    def done(self, name, note):
        assert name in self.begun
        self.ended.add(name)


def test_every_stage_that_ends_has_begun_on_a_first_run_and_on_a_run_with_nothing_to_do(fresh_chain):
    first, again = Strict(), Strict()
    for progress in (first, again):
        run_cycle(workspace.open(fresh_chain), progress=progress, actor="test")
    stages = {"receive", "condition", "derive", "train", "release", "score", "monitor"}
    assert first.ended == stages
    assert again.begun == again.ended
