"""Files for others: the entry for the spaCy universe, the citation, and templates for issues."""

import ast
import os
from pathlib import Path

import pytest
import srsly

from spacy_window_ner import __version__

ROOT = Path(__file__).parents[1]
TEMPLATES = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def test_the_entry_of_the_universe():
    entry = srsly.read_json(ROOT / "docs" / "universe.json")
    assert entry["id"] == "spacy-window-ner"
    ast.parse("\n".join(entry["code_example"]))
    for key in ("image", "thumb"):
        assert (ROOT / "docs" / Path(entry[key]).name).exists()
    assert "\n".join(entry["code_example"]) in (ROOT / "README.md").read_text(encoding="utf8")


def test_the_citation_has_this_version():
    citation = srsly.read_yaml(ROOT / "CITATION.cff")
    assert citation["version"] == __version__
    assert citation["cff-version"] == "1.2.0"


def test_the_workflow_runs_what_is_run_by_hand():
    """`.ci/run` for each push and pull request, and before a release is built."""
    ci, publish = (
        srsly.read_yaml(ROOT / ".github" / "workflows" / f"{name}.yml")
        for name in ("ci", "publish")
    )
    commands = [step["run"] for step in ci["jobs"]["run"]["steps"] if "run" in step]
    assert commands == [".ci/run"]
    assert os.access(ROOT / commands[0], os.X_OK)
    events = ci.get("on", ci.get(True))  # YAML 1.1 takes the word for a truth value
    assert {"push", "pull_request", "workflow_call"} <= set(events)
    assert publish["jobs"]["ci"]["uses"] == "./.github/workflows/ci.yml"
    assert publish["jobs"]["build"]["needs"] == "ci"


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_templates_of_issues(path: Path):
    template = srsly.read_yaml(path)
    if path.stem == "config":
        assert {link["name"] for link in template["contact_links"]}
        return
    assert template["name"] and template["description"]
    ids = [field["id"] for field in template["body"]]
    assert len(set(ids)) == len(ids)
    assert all(field["attributes"]["label"] for field in template["body"])
