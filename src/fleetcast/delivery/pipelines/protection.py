"""The rules of protected branches and tags, as each host takes them through its API."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fleetcast.delivery.pipelines.description import RELEASE_BRANCH, Pipeline
from fleetcast.delivery.pipelines.layout import HEADER
from fleetcast.delivery.pipelines.owners import Owned
from fleetcast.delivery.protection import Rules

NOBODY, DEVELOPERS, MAINTAINERS = 0, 30, 40  # access levels of GitLab


@dataclass(frozen=True, slots=True)
class Reviews:
    """How many people must have approved a change before it is merged."""

    trunk: int = 1
    releases: int = 2


def github(rules: Rules, reviews: Reviews, pipeline: Pipeline) -> dict[str, str]:
    """Rulesets; each file is the body of one call: `gh api repos/OWNER/REPO/rulesets --input FILE`."""
    return {
        ".github/rulesets/fleetcast-main.json": _ruleset(
            "main",
            "branch",
            [f"refs/heads/{rules.trunk}"],
            _branch_rules(reviews.trunk, pipeline.checks(rules.trunk)),
        ),
        ".github/rulesets/fleetcast-release.json": _ruleset(
            "release",
            "branch",
            [f"refs/heads/{glob}" for glob in rules.releases],
            _branch_rules(reviews.releases, pipeline.checks(rules.releases[0])),
        ),
        ".github/rulesets/fleetcast-tags.json": _ruleset(
            "tags",
            "tag",
            [f"refs/tags/{glob}" for glob in rules.tags],
            [{"type": "update"}, {"type": "deletion"}, {"type": "non_fast_forward"}],
        ),
    }


def _ruleset(name: str, target: str, refs: list[str], rules: list[dict[str, Any]]) -> str:
    return _text(
        {
            "name": f"fleetcast {name} (written by `fleetcast ci emit`)",
            "target": target,
            "enforcement": "active",
            "bypass_actors": [],
            "conditions": {"ref_name": {"include": refs, "exclude": []}},
            "rules": rules,
        }
    )


def _branch_rules(approvals: int, checks: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"type": "deletion"},
        {"type": "non_fast_forward"},
        {
            "type": "pull_request",
            "parameters": {
                "required_approving_review_count": approvals,
                "dismiss_stale_reviews_on_push": True,
                "require_code_owner_review": True,
                "require_last_push_approval": True,
                "required_review_thread_resolution": True,
                "allowed_merge_methods": ["merge"],
            },
        },
        {
            "type": "required_status_checks",
            "parameters": {
                "strict_required_status_checks_policy": True,
                "do_not_enforce_on_create": True,
                "required_status_checks": [{"context": check} for check in checks],
            },
        },
    ]


def gitlab(rules: Rules, reviews: Reviews, pipeline: Pipeline) -> dict[str, str]:
    """Bodies of calls, by method and path of the API (v4); one that is a list is a call for each of its items."""
    branches = [(rules.trunk, reviews.trunk), *((glob, reviews.releases) for glob in rules.releases)]
    return {
        ".gitlab/fleetcast.json": _text(
            {
                "written_by": HEADER,
                "PUT /projects/:id": {
                    "only_allow_merge_if_pipeline_succeeds": True,
                    "allow_merge_on_skipped_pipeline": False,
                    "only_allow_merge_if_all_discussions_are_resolved": True,
                    "merge_method": "merge",
                },
                "POST /projects/:id/protected_branches": [
                    {
                        "name": name,
                        "push_access_level": NOBODY,
                        "merge_access_level": DEVELOPERS,
                        "allow_force_push": False,
                        "code_owner_approval_required": True,
                    }
                    for name, _ in branches
                ],
                "POST /projects/:id/approvals": {
                    "reset_approvals_on_push": True,
                    "merge_requests_author_approval": False,
                    "merge_requests_disable_committers_approval": True,
                    "disable_overriding_approvers_per_merge_request": True,
                },
                "POST /projects/:id/approval_rules": [
                    {"name": f"fleetcast {name}", "approvals_required": approvals}
                    for name, approvals in branches
                ],
                "POST /projects/:id/protected_tags": [
                    {"name": glob, "create_access_level": MAINTAINERS} for glob in rules.tags
                ],
                "POST /projects/:id/pipeline_schedules": _schedules(pipeline),
            }
        )
    }


def _schedules(pipeline: Pipeline) -> list[dict[str, Any]]:
    return [
        {
            "description": workflow.name,
            "ref": f"refs/heads/{pipeline.trunk if workflow.code == 'trunk' else f'${RELEASE_BRANCH}'}",
            "cron": trigger.cron,
            "cron_timezone": "UTC",
        }
        for workflow in pipeline.workflows
        for trigger in workflow.triggers
        if trigger.event == "weekly"
    ]


def azure(rules: Rules, reviews: Reviews, pipeline: Pipeline, owned: Sequence[Owned]) -> dict[str, str]:
    """Commands of the Azure CLI with their options; `$…` stands for an id that only the organisation knows.

    A branch with a policy that blocks takes pull requests only, and can be neither deleted nor rewritten.
    """
    calls: list[Mapping[str, Any]] = []
    for glob, approvals in [(rules.trunk, reviews.trunk), *((g, reviews.releases) for g in rules.releases)]:
        branch = {
            "branch": glob.rstrip("*"),
            "branch-match-type": "prefix" if glob.endswith("*") else "exact",
            "repository-id": "$REPOSITORY_ID",
            "blocking": True,
            "enabled": True,
        }
        count = {"minimum-approver-count": approvals, "creator-vote-counts": False, "allow-downvotes": False}
        calls.append(
            {"az repos policy approver-count create": branch | count | {"reset-on-source-push": True}}
        )
        queued = {"manual-queue-only": False, "queue-on-source-update-only": True, "valid-duration": 0}
        for workflow in pipeline.asked(glob):
            definition = f"${workflow.name.replace('-', '_').upper()}_PIPELINE_ID"
            build = {"build-definition-id": definition, "display-name": f"fleetcast {workflow.name}"}
            calls.append({"az repos policy build create": branch | build | queued})
        for one in owned:
            reviewer = {"path-filter": f"{one.path}*" if one.path.endswith("/") else one.path}
            who = {"required-reviewer-ids": f"${one.role.replace('-', '_').upper()}", "message": one.role}
            calls.append({"az repos policy required-reviewer create": branch | reviewer | who})
    return {
        ".azure-pipelines/fleetcast-policies.json": _text({"written_by": HEADER, "policies": calls}),
    }


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
