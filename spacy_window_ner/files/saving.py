"""Atomic saving: if the process is killed, either the old or the new data is there, never a mix.

The files of a component are written next to the old ones, with the suffix `.new`. Then the file
with their checksums is replaced in a single step. From then on, the new files are the saved ones,
even before they are renamed, since `read_file` looks for the file with the correct checksum. A
directory is written next to the old one, and both are exchanged.
"""

import ctypes
import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import srsly
from spacy.language import Language

CHECKSUM = "checksum"
# Suffixes of new files or directories before they are moved into place, and of old ones after that.
NEW, OLD = ".new", ".old"
# Age in seconds after which a directory of an interrupted save is removed. No save takes this long.
ABANDONED = 24 * 60 * 60
# Files that `Language.to_disk` writes in addition to the components.
_OF_PIPELINES = {"config.cfg", "meta", "tokenizer", "vocab"}


def checksum(data: bytes) -> str:
    """RETURNS (str): The BLAKE2b hash of data, 128 bits in hexadecimal."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def checksums(files: Mapping[str, bytes]) -> dict[str, str]:
    """RETURNS (Dict[str, str]): The checksum of each file by its name."""
    return {name: checksum(data) for name, data in files.items()}


def write_files(directory: Path, files: Mapping[str, bytes]) -> None:
    """Write files and their checksums, all or none of them.

    directory (Path): The directory, which is created if it does not exist.
    files (Mapping[str, bytes]): The contents by name. Other files in the directory and their
        checksums are kept.
    """
    directory.mkdir(exist_ok=True)
    kept = _finish(directory)
    sums = srsly.json_dumps({**kept, **checksums(files)}).encode()
    for name, data in {**files, CHECKSUM: sums}.items():
        _write(directory / (name + NEW), data)
    for name in (CHECKSUM, *files):
        os.replace(directory / (name + NEW), directory / name)
        if name == CHECKSUM:  # no other file may be in its place before this one is
            _sync_directory(directory)
    _sync_directory(directory)


@contextmanager
def replacing(path: Path, unfinished: Path | None = None) -> Iterator[Path]:
    """Replace a single file atomically: write to a temporary file, which is then renamed.

    path (Path): The file.
    unfinished (Optional[Path]): The temporary file, if its name matters in case the process is
        killed.
    YIELDS (Path): The temporary file. It is deleted if there is an exception.
    """
    unfinished = unfinished or path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield unfinished
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def read_file(directory: Path, name: str, expected: str | None) -> tuple[bytes, bool | None]:
    """Read a file that `write_files` wrote.

    directory (Path): The directory.
    name (str): The name of the file.
    expected (Optional[str]): Its checksum; None if it has none.
    RETURNS (Tuple[bytes, Optional[bool]]): Its contents, and whether they match the checksum; None
        if it has no checksum.
    """
    path, new = directory / name, directory / (name + NEW)
    data = path.read_bytes() if path.exists() or expected is None or not new.exists() else b""
    if expected is None:
        return data, None
    if checksum(data) == expected:
        return data, True
    if new.exists():
        other = new.read_bytes()
        if checksum(other) == expected:
            return other, True
    return data, False


def _finish(directory: Path) -> dict[str, str]:
    """Complete or revert an interrupted save. RETURNS: The valid checksums."""
    path = directory / CHECKSUM
    try:
        sums = dict(srsly.json_loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        sums = {}
    for new in directory.glob(f"*{NEW}"):
        old = new.with_suffix("")
        is_right = sums.get(old.name) == checksum(new.read_bytes())
        if is_right and not (old.exists() and checksum(old.read_bytes()) == sums[old.name]):
            os.replace(new, old)
        else:
            new.unlink()
    return sums


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(path: Path) -> None:
    """Make the names in a directory permanent, where the system can do that."""
    if os.name == "posix":
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def save(nlp: Language, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
    """Save a pipeline as `nlp.to_disk` does, but atomically: if the process is killed, the
    directory contains the old pipeline or the new one. On systems that cannot exchange directories
    (Linux and macOS can), the directory is missing for a moment; the next `save` to the same path
    restores it.

    nlp (Language): The pipeline.
    path (Union[str, Path]): A new or empty directory, or the directory of a pipeline, which is
        replaced. Other files in that directory are kept.
    exclude (Iterable[str]): Names of components or fields to leave out.
    RAISES (ValueError): If the path is a file, or a directory with other contents.
    """
    path = Path(path).resolve()
    restore(path)
    if path.exists() and not path.is_dir():
        raise ValueError(f"Cannot save a pipeline to {path}: it is a file. Choose a directory.")
    others = []
    if path.exists() and any(path.iterdir()):
        if not (path / "config.cfg").exists() or not (path / "meta.json").exists():
            raise ValueError(
                f"Cannot save a pipeline to {path}: the directory is not empty, and does not "
                f"contain a pipeline to replace. Choose a new or empty directory."
            )
        # Some of spaCy's components are saved to a file NAME.json.
        own = _OF_PIPELINES.union(_components(path), nlp.component_names, exclude)
        others = [other for other in path.iterdir() if other.name.split(".json")[0] not in own]

    def write(new: Path) -> None:
        nlp.to_disk(new, exclude=list(exclude))
        for other in others:
            if other.is_dir() and not other.is_symlink():
                shutil.copytree(other, new / other.name, symlinks=True)
            else:
                shutil.copy2(other, new / other.name, follow_symlinks=False)

    replace_directory(path, write)


def _components(path: Path) -> list[str]:
    """The names of the components of a saved pipeline."""
    try:
        return list(srsly.read_json(path / "meta.json").get("components", []))
    except (OSError, ValueError, AttributeError):
        return []


def replace_directory(path: Path, write: Callable[[Path], object]) -> None:
    """Write a directory, and replace the old one by it.

    path (Path): The directory; it does not have to exist.
    write (Callable[[Path], object]): Writes the contents to a given directory.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=NEW, dir=path.parent))
    old = temporary.with_suffix(OLD)
    try:
        new = temporary / path.name  # a directory with the permissions that it would get anyway
        new.mkdir()
        write(new)
        if path.exists():
            shutil.copymode(path, new)
        _sync_tree(new)
        if not path.exists():
            os.replace(new, path)
        elif not _exchange(new, path):
            os.replace(path, old)
            os.replace(new, path)
        _sync_directory(path.parent)
    finally:
        if path.exists():
            shutil.rmtree(old, ignore_errors=True)
            shutil.rmtree(temporary, ignore_errors=True)


def restore(path: Path) -> None:
    """Restore a directory that an interrupted `replace_directory` has moved, and remove temporary
    directories.

    path (Path): The directory.
    """
    left = [*path.parent.glob(f".{path.name}.*{NEW}"), *path.parent.glob(f".{path.name}.*{OLD}")]
    for old in (other for other in left if other.suffix == OLD and not path.exists()):
        # The old one is moved only when the new one is whole.
        new = old.with_suffix(NEW) / path.name
        os.replace(new if new.exists() else old, path)
    for other in left:
        if other.exists() and time.time() - other.stat().st_mtime > ABANDONED:
            shutil.rmtree(other, ignore_errors=True)


def _sync_tree(path: Path) -> None:
    """Make all files of a directory permanent."""
    for directory, _, names in os.walk(path):
        for name in names:
            file = Path(directory) / name
            if not file.is_symlink():
                with file.open("rb+") as opened:
                    os.fsync(opened.fileno())
        _sync_directory(Path(directory))


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two directories in one step.

    RETURNS (bool): Whether the system and the file system support this.
    """
    # name of the function, what stands before each path, and the flag for an exchange
    if sys.platform == "linux":
        name, before, flag = "renameat2", [ctypes.c_int(-100)], ctypes.c_uint(2)
    elif sys.platform == "darwin":
        name, before, flag = "renamex_np", [], ctypes.c_uint(2)
    else:
        return False
    function = getattr(ctypes.CDLL(None, use_errno=True), name, None)
    if function is None:
        return False
    paths = [[*before, ctypes.c_char_p(os.fsencode(path))] for path in (first, second)]
    return function(*paths[0], *paths[1], flag) == 0
