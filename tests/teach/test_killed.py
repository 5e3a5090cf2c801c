"""A real server that is killed, and what it leaves."""

import subprocess

import pytest

pytest.importorskip("fastapi", reason="fastapi is not installed")
pytest.importorskip("uvicorn", reason="uvicorn is not installed")

from tests.pipelines import shared
from tests.teach.killing import sit

pytestmark = pytest.mark.extra


def test_nothing_is_lost(tmp_path):
    shared().to_disk(tmp_path / "base")
    sitting = sit(tmp_path, str(tmp_path / "base"), 1)
    second = subprocess.run(sitting.command, capture_output=True, text=True)
    assert second.returncode == 1
    assert "Another server is using it" in " ".join(second.stdout.split())
    # What was decided before can be undone.
    number = list(sitting.known)[-1]
    shown = sitting.ask("undo", {})
    assert shown["id"] == number
    fixed = [(one["start"], one["end"], one["label"]) for one in shown["entities"] if one["fixed"]]
    assert fixed == sitting.known.pop(number)
    sitting.kill()
    assert sitting.known
    assert sitting.check() == (0, 0)
