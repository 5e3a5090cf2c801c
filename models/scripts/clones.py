"""Corpora in clones of public repositories, bare or not, each in a folder named OWNER+NAME: which
of them to use, and their files.
"""

import io
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated

import typer

LeaveOut = Annotated[list[str] | None, typer.Option(help="A corpus not to use; can be repeated")]


def require_corpora(given: Collection[str], known: Collection[str]) -> None:
    """RAISES (BadParameter): If a name that was given is not that of a corpus."""
    if unknown := set(given).difference(known):
        names = ", ".join(known)
        raise typer.BadParameter(f"No corpus: {', '.join(sorted(unknown))}. There are: {names}.")


def files(
    repositories: Path, repository: str, paths: tuple[str, ...], name: str
) -> Iterator[tuple[str, bytes]]:
    """Read files of a repository.

    repositories (Path): The folder of the clones.
    repository (str): The repository, as OWNER+NAME.
    paths (Tuple[str]): Its files, or folders of files.
    name (str): What it is needed for.
    YIELDS (Tuple[str, bytes]): The path and the content of each file.
    RAISES (FileNotFoundError): If there is no clone of the repository, or no such file in it.
    """
    clone = repositories / repository
    git = next((head.parent for head in sorted(clone.glob("**/HEAD")) if is_git(head.parent)), None)
    if git is None:
        url = f"https://github.com/{repository.replace('+', '/')}"
        raise FileNotFoundError(
            f"The corpus '{name}' needs a clone: git clone {url} {clone}. "
            f"Or leave it out with `--leave-out {name}`."
        )
    names: list[str] = []
    for path in paths:
        listed = run_git(git, "ls-tree", "-r", "-z", "--name-only", "HEAD", path).decode()
        if not listed:
            raise FileNotFoundError(f"The corpus '{name}' has no {path} in {clone}.")
        names += filter(None, listed.split("\0"))
    asked = "".join(f"HEAD:{one}\n" for one in names).encode()
    answer = io.BytesIO(run_git(git, "cat-file", "--batch", given=asked))
    for one in names:
        size = answer.readline().split()[-1]
        if not size.isdigit():
            raise FileNotFoundError(f"The corpus '{name}' needs the whole of {one} in {clone}.")
        yield one, answer.read(int(size))
        answer.read(1)  # a line break


def run_git(folder: Path, *arguments: str, given: bytes = b"") -> bytes:
    """RETURNS (bytes): What git prints about a git directory, given an input."""
    command = ["git", f"--git-dir={folder}", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, input=given).stdout


def is_git(folder: Path) -> bool:
    """RETURNS (bool): Whether a folder is a git directory."""
    return (folder / "objects").is_dir() and (folder / "refs").is_dir()
