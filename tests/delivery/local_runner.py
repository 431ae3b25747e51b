"""A runner for the emitted workflows of GitHub: does what the steps of a job say, in a folder, as far as we emit steps.

Actions are stood in for: a checkout copies a folder, artifacts are folders beside it, reports are kept. `run:` steps are
run by bash as the host does it, with the PATH given, so real verbs run here as well as stand-ins.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


@dataclass
class Ran:
    """What happened: each job's result, the lines its steps typed, and what it left."""

    results: dict[str, str] = field(default_factory=dict)
    typed: list[str] = field(default_factory=list)
    output: dict[str, str] = field(default_factory=dict)


class Runner:
    """`branches` are folders by ref, for a checkout; `stands_in` says which lines of set-up are not typed."""

    def __init__(
        self, home: Path, branches: Mapping[str, Path], path: str, *, skip: tuple[str, ...] = ()
    ) -> None:
        self.home, self.branches, self.path, self.skip = home, branches, path, skip
        self.artifacts = home / "artifacts"

    def run(self, text: str, *, ref: str, variables: Mapping[str, str] | None = None) -> Ran:
        """Run all jobs of a workflow in the order of their needs, for an event that is about a ref."""
        document = yaml.safe_load(text)
        ran, waiting = Ran(), dict(document["jobs"])
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
        folder = self.home / "work" / name
        paths = self.home / "paths" / name
        summary = self.home / "summaries" / f"{name}.md"
        for place in (folder, paths.parent, summary.parent):
            place.mkdir(parents=True, exist_ok=True)
        paths.touch()
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
        if line.startswith(self.skip):
            return True
        added = [*paths.read_text("utf-8").splitlines()[::-1], self.path]
        env = {
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
                if wanted not in self.branches:
                    return False
                shutil.copytree(self.branches[wanted], folder, dirs_exist_ok=True)
                return True
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
