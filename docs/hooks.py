"""What `mkdocs build` does besides, so that pages read the same here and in the repository.

Links to files outside of `docs/` are relative, as GitHub needs them. On the site they lead to the
repository; pictures are copied. A link to a file or heading that is not there is an error.
"""

import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
_LINK = re.compile(r"(?<=\]\()\.\./(?P<path>[^)#\s]+)(?P<anchor>#[^)\s]+)?(?=\))")
_PICTURES = {".svg", ".png"}


def on_files(files: Files, config: Any) -> Files:
    """Add the pictures that are in other folders."""
    for path in sorted((ROOT / "benchmarks").glob("*.svg")):
        name = str(path.relative_to(ROOT))
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Lead links to files outside of `docs/` to where these are."""

    def target(match: re.Match[str]) -> str:
        path, anchor = match["path"], match["anchor"] or ""
        file = ROOT / path
        if not file.exists():
            raise PluginError(f"{page.file.src_uri} links to ../{path}, which is not there")
        if anchor and anchor[1:] not in _anchors(file):
            raise PluginError(f"{page.file.src_uri}: there is no heading {anchor} in {path}")
        if file.suffix in _PICTURES:
            return path
        kind = "tree" if file.is_dir() else "blob"
        return f"{config['repo_url'].rstrip('/')}/{kind}/main/{path}{anchor}"

    return _LINK.sub(target, markdown)


def _anchors(file: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf8"), re.M)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}
