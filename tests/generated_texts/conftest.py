import importlib
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "models" / "scripts"
NEEDS_FAKER = {"generated", "mentions", "names_of_people", "places"}


@pytest.fixture(scope="package")
def script():
    """A function that imports a build script, for the tests of this folder."""
    before = set(sys.modules)
    sys.path.insert(0, str(SCRIPTS))

    def load(name):
        if name in NEEDS_FAKER:
            pytest.importorskip("faker", reason="the names of the build scripts are those of Faker")
        return importlib.import_module(name)

    yield load
    sys.path.remove(str(SCRIPTS))
    for path in SCRIPTS.glob("*.py"):
        if path.stem not in before:
            sys.modules.pop(path.stem, None)
