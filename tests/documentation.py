"""The code blocks of README and docs, and how they are run: see `test_documentation.py`.

A page is run from top to bottom in a folder of its own, Python blocks in one namespace. What a
block needs is said in a comment right before it, which readers do not see:

    <!-- skip: REASON -->      it is not run
    <!-- extra: REASON -->     it is run by `pytest -m extra` only; "needs A, B" names modules
    <!-- file: NAME -->        it is written to this file, and run no further
    <!-- output -->            it is what the block before has printed
    <!-- data -->              it makes the data that all pages begin with
"""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

import srsly
from spacy import util
from spacy.cli._util import app
from spacy.schemas import ConfigSchemaInit, ConfigSchemaTraining
from thinc.api import Config
from typer.main import get_command
from typer.testing import CliRunner

import spacy_window_ner.cli  # noqa: F401  (adds our commands to those of spaCy)

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
LANGUAGES = {"python", "bash", "ini", "json", "text"}
MARKERS = {"skip", "extra", "file", "output", "data"}

# Readers train until it is good, tests for a moment.
_FEW_STEPS = [
    *("--training.max_steps", "4"),
    *("--training.eval_frequency", "4"),
    *("--training.optimizer.learn_rate.total_steps", "4"),
]
_FULL = ["--training.max_steps", "80", "--training.eval_frequency", "80"]
SHORTER = {
    "train": _FEW_STEPS[:4],
    "window-ner review": _FEW_STEPS,
    "window-ner distil": ["--config", "short.cfg"],
}

# The trained pipeline of `prepare`, which stays.
TRAINED = Path("trained")

_FENCE = re.compile(
    r"(?:^<!-- (?P<marker>\w+)(?:: (?P<argument>[^\n]+))? -->\n)?"
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<code>.*?)^ *```$",
    re.M | re.S,
)


@dataclass(frozen=True)
class Block:
    """A code block.

    page (Path): Its page.
    line (int): The line of the page that it begins at.
    language (str): Its language.
    code (str): What is in it.
    marker, argument (Optional[str]): The comment before it.
    """

    page: Path
    line: int
    language: str
    code: str
    marker: str | None
    argument: str | None

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def needs(self) -> list[str]:
        """The modules that it needs besides."""
        if self.marker != "extra" or not str(self.argument).startswith("needs "):
            return []
        return str(self.argument).removeprefix("needs ").split(", ")


def read_blocks(page: Path) -> list[Block]:
    """Read the code blocks of a page."""
    text = page.read_text(encoding="utf8")
    return [
        Block(
            page,
            text.count("\n", 0, match.start("language")) + 1,
            match["language"],
            match["code"],
            match["marker"],
            match["argument"],
        )
        for match in _FENCE.finditer(text)
    ]


def run_page(blocks: list[Block], extra: bool) -> dict[str, list[Block]]:
    """Run the blocks of a page in the working directory, which has what `prepare` makes.

    blocks (List[Block]): The blocks, in their order.
    extra (bool): Whether to run those that are marked `extra` too.
    RETURNS (Dict[str, List[Block]]): The blocks by what was done with them.
    RAISES (AssertionError): If one fails, with its place.
    """
    run: dict[str, list[Block]] = {"run": [], "compared": [], "skipped": [], "extra": []}
    printed: str | None = ""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks:
        if block.marker == "skip":
            run["skipped"].append(block)
        elif block.marker == "extra" and not extra:
            run["extra"].append(block)
            printed = None  # what it would have printed is not compared
        elif block.marker == "output" and printed is None:
            run["extra"].append(block)
        elif block.marker == "output":
            assert _words(block.code) == _words(printed), f"{block.place}: it prints\n{printed}"
            run["compared"].append(block)
        else:
            try:
                printed = _run_block(block, namespace)
            except BaseException as error:
                raise AssertionError(f"{block.place}: {error!r}") from error
            run["run"].append(block)
    return run


def _run_block(block: Block, namespace: dict[str, Any]) -> str:
    """Run one block. RETURNS (str): What it prints."""
    if block.marker == "file":
        path = Path(str(block.argument))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.code, encoding="utf8")
        if block.language == "python":
            compile(block.code, str(block.page), "exec")
        return ""
    return {"python": _run_python, "bash": _run_bash, "ini": _resolve, "json": _read_json}[
        block.language
    ](block, namespace)


def _run_python(block: Block, namespace: dict[str, Any]) -> str:
    # As a file of this folder, with lines before it, so that a traceback has the line of the page.
    code = compile("\n" * block.line + block.code, str(Path(block.page.name).resolve()), "exec")
    with redirect_stdout(StringIO()) as printed:
        exec(code, namespace)
    return printed.getvalue()


def _run_bash(block: Block, namespace: dict[str, Any]) -> str:
    """Run the commands of spaCy in this process, because each would start for seconds, and others
    by bash.
    """
    return "".join(
        run_spacy(arguments[3:])
        if arguments[:3] == ["python", "-m", "spacy"]
        else _run_shell(command)
        for command, arguments in commands(block.code)
    )


def commands(code: str) -> Iterator[tuple[str, list[str]]]:
    """Split a script into commands, each with its arguments."""
    for line in code.replace("\\\n", " ").splitlines():
        if arguments := shlex.split(line, comments=True):
            yield line, arguments


def run_spacy(arguments: list[str]) -> str:
    """Run a command of `python -m spacy`, for a moment where it trains. RETURNS: The output."""
    for name, more in SHORTER.items():
        if arguments[: len(name.split())] == name.split():
            pairs = zip(more[::2], more[1::2], strict=True)
            arguments += [word for pair in pairs if pair[0] not in arguments for word in pair]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, f"{shlex.join(arguments)}\n{result.output}\n{result.exception!r}"
    if arguments[0] == "train" and TRAINED.exists():
        # What comes after the training needs a pipeline that has learned something.
        shutil.copytree(TRAINED, Path("out", "model-best"), dirs_exist_ok=True)
    return result.output


def parse_spacy(arguments: list[str]) -> None:
    """Parse the arguments of a command of `python -m spacy`, without running it.

    arguments (List[str]): What comes after `python -m spacy`.
    RAISES (Exception): If there is no such command or option.
    """
    command: Any = get_command(app)
    while True:
        context = command.context_class(command)
        _, arguments, _ = command.make_parser(context).parse_args(list(arguments))
        if not hasattr(command, "resolve_command"):
            return
        _, command, arguments = command.resolve_command(context, arguments)


def _run_shell(command: str) -> str:
    """Run another command. `python` is this one."""
    bin_folder = shlex.quote(str(Path(sys.executable).parent))
    done = subprocess.run(
        ["bash", "-euc", f"PATH={bin_folder}:$PATH\n{command}"], capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def _resolve(block: Block, namespace: dict[str, Any]) -> str:
    """Put sections of a config into efficiency.cfg, and make all objects that it describes."""
    base = util.load_config("configs/efficiency.cfg", interpolate=False)
    base["paths"].update(train="train.spacy", dev="dev.spacy")
    # Sections above those that the block has.
    names = re.findall(r"^\[(.+)\]$", block.code, re.M)
    parents = {name.rsplit(".", n)[0] for name in names for n in range(1, name.count(".") + 1)}
    above = "".join(f"[{name}]\n" for name in sorted(parents.difference(names)))
    changes = Config().from_str(above + block.code, interpolate=False)
    assert changes, f"{block.place}: there are no sections"
    for section, key in ((s, k) for s in ("before_to_disk", "logger") for k in ("training",)):
        if section in changes.get(key, {}):
            del base[key][section]  # other functions have other settings
    for name, settings in changes.get("components", {}).items():
        if "source" in settings:
            base["components"].pop(name, None)
    config = util.load_model_from_config(base.merge(changes), auto_fill=True).config.interpolate()
    util.registry.resolve(config["training"], schema=ConfigSchemaTraining)
    util.registry.resolve(config["initialize"], schema=ConfigSchemaInit)
    util.registry.resolve(config["corpora"])
    return ""


def _read_json(block: Block, namespace: dict[str, Any]) -> str:
    srsly.json_loads(block.code)
    return ""


def _words(text: str) -> list[str]:
    return text.split()


def prepare(data: Block) -> None:
    """Make, in the working directory, what pages begin with: the data of the page on training,
    the configs, the ready pipeline, and a trained one in `out/model-best`.

    data (Block): The block that makes the data.
    """
    _run_block(data, {})
    for name in ("configs", "models"):
        Path(name).symlink_to(ROOT / name)
    for name in ("en_window_ner_sm", "en_window_ner_web_sm"):
        Path(name).symlink_to(next((ROOT / "models" / name / name).glob("*-*/")))
    _add_what_users_have()
    run_spacy(["window-ner", "init-config", "efficiency", "short.cfg"])
    config = util.load_config("short.cfg", interpolate=False)
    config["training"].update(max_steps=80, eval_frequency=80)
    config["training"]["optimizer"]["learn_rate"].update(total_steps=80, warmup_steps=10)
    config.to_disk("short.cfg")
    paths = ["--paths.train", "train.spacy", "--paths.dev", "dev.spacy"]
    run_spacy(["train", "short.cfg", "-o", "out", *paths, *_FULL])
    shutil.copytree(Path("out", "model-best"), TRAINED)


def _add_what_users_have() -> None:
    """Texts in the kinds of files that pages name as the reader's own."""
    records = list(srsly.read_jsonl("texts.jsonl"))[:20]
    for folder in ("texts", "news"):
        Path(folder).mkdir()
    srsly.write_jsonl("texts/some.jsonl", records)
    bodies = [{"id": f"{i}", "body": record["text"]} for i, record in enumerate(records)]
    srsly.write_jsonl("news/some.jsonl", bodies)
    Path("extra.csv").write_text("id,body\nx,Mary Smith flew to Lisbon.\n", encoding="utf8")
    if find_spec("pyarrow"):
        from pyarrow import Table, parquet

        parquet.write_table(Table.from_pylist(records), "texts.parquet")
