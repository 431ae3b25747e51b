"""A runner for the emitted workflows of GitHub: does what the steps of a job say, in a folder, as far as we emit steps.

Actions are stood in for: a checkout copies or clones, artifacts are folders beside it, reports are kept. `run:` steps are
run by bash as the host does it, so real verbs run here as well as stand-ins. Only Python is stood in for, where a job makes
an environment of its own: what pip installs there, if it finds the lock, is the program that is tested.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from fleetcast.delivery.pipelines.github import OWN

PYTHON = """#!/usr/bin/env bash
set -eu
case "$1 $2" in
    "-m venv") rm -rf "$4" && mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
    "-m pip") test -f "${{@: -1}}" && ln -s {program} "$(dirname "$0")/fleetcast" ;;
    *) exit 2 ;;
esac
"""
Checkout = Callable[[str, Path], bool]


def machine(folder: Path, program: Path) -> str:
    """The PATH of a machine that has Git, and a Python whose environments get the program."""
    folder.mkdir()
    (folder / "python").write_text(PYTHON.format(program=program), "utf-8")
    (folder / "python").chmod(0o755)
    return f"{folder}:{os.defpath}"


def copied(branches: Mapping[str, Path]) -> Checkout:
    """A checkout of folders, by ref."""

    def checkout(ref: str, to: Path) -> bool:
        if ref in branches:
            shutil.copytree(branches[ref], to, dirs_exist_ok=True)
        return ref in branches

    return checkout


def cloned(server: Path) -> Checkout:
    """A checkout as the host's action makes it: all of history, and a detached head."""

    def checkout(ref: str, to: Path) -> bool:
        lines = (
            ("init", "--quiet"),
            ("fetch", "--quiet", str(server), f"+{ref}:refs/remotes/origin/checked-out", "--tags"),
            ("checkout", "--quiet", "--detach", "refs/remotes/origin/checked-out"),
        )
        return all(subprocess.run(["git", "-C", to, *line], check=False).returncode == 0 for line in lines)

    return checkout


@dataclass
class Ran:
    """What happened: each job's result, the lines its steps typed, and what it left."""

    results: dict[str, str] = field(default_factory=dict)
    typed: list[str] = field(default_factory=list)
    output: dict[str, str] = field(default_factory=dict)


class Runner:
    """`path` and `surroundings` are those of its machine; `people` says what they do before they let a job of theirs begin."""

    def __init__(
        self,
        home: Path,
        checkout: Checkout,
        path: str,
        *,
        surroundings: Mapping[str, str] | None = None,
        people: Mapping[str, Callable[[], None]] | None = None,
    ) -> None:
        self.home, self.checkout, self.path = home, checkout, path
        self.surroundings, self.people = dict(surroundings or {}), dict(people or {})
        self.artifacts = home / "artifacts"

    def run(
        self,
        text: str,
        *,
        ref: str,
        variables: Mapping[str, str] | None = None,
        passed: Collection[str] = (),
    ) -> Ran:
        """Run the jobs of a workflow in the order of their needs, for an event that is about a ref; not those that `passed`."""
        document = yaml.safe_load(text)
        ran = Ran(results=dict.fromkeys(passed, "success"))
        waiting = {name: job for name, job in document["jobs"].items() if name not in passed}
        while waiting:
            ready = [name for name, job in waiting.items() if set(job.get("needs", [])) <= set(ran.results)]
            assert ready, f"{sorted(waiting)} wait for each other"
            for name in ready:
                job = waiting.pop(name)
                well = all(ran.results[need] == "success" for need in job.get("needs", []))
                ran.results[name] = self._job(name, job, ref, variables or {}, ran) if well else "skipped"
        return ran

    def _job(
        self, name: str, job: Mapping[str, Any], ref: str, variables: Mapping[str, str], ran: Ran
    ) -> str:
        assert job.get("if", OWN) == OWN, f"this runner does not know on what {name} depends"
        folder = self.home / "work" / name
        paths = self.home / "paths" / name
        summary = self.home / "summaries" / f"{name}.md"
        for place in (folder, paths.parent, summary.parent):
            place.mkdir(parents=True, exist_ok=True)
        paths.touch()
        if let_begin := self.people.get(job.get("environment", "")):
            let_begin()
        result = "success"
        for step in job["steps"]:
            if result != "success" and step.get("if") != "always()":
                continue
            if "uses" in step:
                well = self._action(step, folder, ref, variables)
            else:
                well = self._typed(step["run"], name, folder, paths, summary, ran)
            if not well and not step.get("continue-on-error"):
                result = "failure"
        return result

    def _typed(self, line: str, name: str, folder: Path, paths: Path, summary: Path, ran: Ran) -> bool:
        ran.typed.append(f"{name}: {line}")
        added = [*paths.read_text("utf-8").splitlines()[::-1], self.path]
        env = self.surroundings | {
            "PATH": os.pathsep.join(added),
            "HOME": str(self.home),
            "RUNNER_TEMP": str(self.home / "temporary" / name),
            "GITHUB_PATH": str(paths),
            "GITHUB_STEP_SUMMARY": str(summary),
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", line],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        ran.output[name] = ran.output.get(name, "") + done.stdout + done.stderr
        return done.returncode == 0

    def _action(self, step: Mapping[str, Any], folder: Path, ref: str, variables: Mapping[str, str]) -> bool:
        given = step.get("with", {})
        match step["uses"].split("@")[0]:
            case "actions/checkout":
                wanted = evaluated(given["ref"], variables) if "ref" in given else ref
                return self.checkout(wanted, folder)
            case "actions/upload-artifact":
                there = (folder / given["path"]).is_dir()
                if there:
                    shutil.copytree(
                        folder / given["path"], self.artifacts / given["name"], dirs_exist_ok=True
                    )
                return there or given.get("if-no-files-found") != "error"
            case "actions/download-artifact":
                shutil.copytree(self.artifacts / given["name"], folder / given["path"])
                return True
            case "actions/setup-python":
                return True
            case "mikepenz/action-junit-report":
                return (folder / given["report_paths"]).is_file()
            case "github/codeql-action/upload-sarif":
                return (folder / given["sarif_file"]).is_file()
        raise AssertionError(f"this runner does not know {step['uses']}")


def evaluated(text: str, variables: Mapping[str, str]) -> str:
    """The one expression that we emit: a variable, or a word that stands for its absence."""
    before, found, rest = text.partition("${{ vars.")
    if not found:
        return text
    inside, _, after = rest.partition(" }}")
    name, _, otherwise = inside.partition(" || ")
    return before + (variables.get(name) or otherwise.strip("'")) + after
