"""Put the newest package where `pip install ./models/en_window_ner_sm` finds it.

python scripts/install_folder.py training/packages en_window_ner_sm
"""

import shutil
from pathlib import Path

import typer
from wasabi import msg

# What a package needs to be installed from its folder, without its builds.
LEFT_OUT = ("dist", "build", "*.egg-info")


def main(packages: Path, output: Path) -> None:
    """Copy the package with the highest version."""
    newest = max(packages.glob(f"{output.name}-*"), key=lambda path: path.stat().st_mtime)
    shutil.rmtree(output, ignore_errors=True)
    shutil.copytree(newest, output, ignore=shutil.ignore_patterns(*LEFT_OUT))
    for wheel in (newest / "dist").glob("*.whl"):
        msg.good(f"{wheel}: {wheel.stat().st_size / 1e6:.1f} MB")
    msg.good(f"Install it with: pip install ./models/{output.name}")


if __name__ == "__main__":
    typer.run(main)
