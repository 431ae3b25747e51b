"""Do change notes, decision records and rooms carry the names they should?"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("added", "changed", "fixed", "removed", "security", "docs")
NOTE = re.compile(rf"[a-z0-9]+(-[a-z0-9]+)*\.({'|'.join(KINDS)})\.md")
RECORD = re.compile(r"(\d{4})-[a-z0-9]+(-[a-z0-9]+)*\.md")
PAGE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\.md")
NO_SUBJECT = {"utils", "common", "helpers", "misc", "manager"}


def main() -> int:
    problems = [*change_notes(), *decision_records(), *pages(), *rooms()]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def change_notes() -> list[str]:
    """`changes/<slug>.<kind>.md`, one line each."""
    problems = []
    for path in sorted((ROOT / "changes").glob("*")):
        if path.name == "README.md":
            continue
        if not NOTE.fullmatch(path.name):
            problems.append(f"changes/{path.name}: name it <slug>.<kind>.md; kinds: {', '.join(KINDS)}")
        elif len(path.read_text("utf-8").strip().splitlines()) != 1:
            problems.append(f"changes/{path.name}: say it in one line")
    return problems


def decision_records() -> list[str]:
    """`docs/decisions/<number>-<slug>.md`, numbered without gaps; the number stands in the title too."""
    problems = []
    paths = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    for expected, path in enumerate(paths, start=1):
        match = RECORD.fullmatch(path.name)
        if match is None or int(match[1]) != expected:
            problems.append(f"docs/decisions/{path.name}: expected {expected:04d}-<slug>.md")
        elif not path.read_text("utf-8").startswith(f"# {match[1]} "):
            problems.append(f"docs/decisions/{path.name}: its title begins with `# {match[1]} `")
    return problems


def pages() -> list[str]:
    """Pages are lower case with dashes, and begin with a title."""
    problems = []
    for path in sorted((ROOT / "docs").glob("*.md")):
        if not PAGE.fullmatch(path.name):
            problems.append(f"docs/{path.name}: lower case, words joined by dashes")
        if not path.read_text("utf-8").startswith("# "):
            problems.append(f"docs/{path.name}: begins with a title, `# …`")
    return problems


def rooms() -> list[str]:
    """No room without a subject: give each piece to the room it belongs to."""
    modules = (ROOT / "src").rglob("*.py")
    return [
        f"{path.relative_to(ROOT)}: a name without a subject; give each piece to the room it belongs to"
        for path in sorted(modules)
        if NO_SUBJECT & {path.stem, path.parent.name}
    ]


if __name__ == "__main__":
    sys.exit(main())
