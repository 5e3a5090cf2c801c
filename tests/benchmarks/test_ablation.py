import sys
from pathlib import Path

import pytest
import srsly
from spacy import util
from typer.testing import CliRunner

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import ablation  # noqa: E402
import accuracy  # noqa: E402
import studies  # noqa: E402
from data import InputError  # noqa: E402
from results import AS_IT_STANDS, Cell  # noqa: E402
from settings import Settings, override  # noqa: E402
from studies import PRESETS  # noqa: E402

from spacy_window_ner import __version__  # noqa: E402

ALL = [(preset, variant) for preset, names in ablation.VARIANTS.items() for variant in names]


def network_of(config):
    return config["components"]["window_ner"]["model"]


# variants


@pytest.mark.parametrize(("preset", "variant"), ALL)
def test_every_variant_is_another_pipeline_that_can_be_made(preset, variant):
    config = util.load_config(PRESETS[preset][0])
    changed = override(config, ablation.changes_of(preset, variant))
    assert (changed == config) == (variant == AS_IT_STANDS)
    # What a variant leaves out of a config it leaves out of the pipeline.
    util.load_model_from_config(changed.interpolate())


def test_features_are_left_out_with_their_tables():
    config = util.load_config(PRESETS["efficiency"][0])
    before = network_of(config)["tok2vec"]
    changes = ablation.changes_of("efficiency", "no-affixes")
    after = network_of(override(config, changes))["tok2vec"]
    lists = list(zip(*(before[key] for key in ablation.FEATURE_LISTS), strict=True))
    kept = [entry for entry in lists if not entry[0].startswith(("PREFIX", "SUFFIX"))]
    assert 0 < len(kept) < len(lists)
    assert list(zip(*(after[key] for key in ablation.FEATURE_LISTS), strict=True)) == kept
    assert set(changes) == {f"{ablation.TOKENS}.{key}" for key in ablation.FEATURE_LISTS}


def test_an_unknown_feature_is_an_error(monkeypatch):
    variant = ablation.Variant(without=["NORM", "COLOR"])
    monkeypatch.setitem(ablation.VARIANTS["accuracy"], "no-color", variant)
    with pytest.raises(InputError, match=r"no-color leaves out COLOR, but no feature.*NORM"):
        ablation.changes_of("accuracy", "no-color")


# cells


def choose(folder, **changes):
    asked = {"corpora": ["places"], "presets": (), "variants": (), "seeds": [0]}
    return ablation.choose(folder, **{**asked, **changes})


def test_cells_are_chosen(data):
    cells = choose(data)
    assert {(cell.preset, cell.variant) for cell in cells} == set(ALL)
    assert len(cells) == len(ALL)
    assert {(cell.study, cell.system, cell.percent, cell.version) for cell in cells} == {
        ("ablation", "window_ner", 100, __version__)
    }
    cells = choose(data, variants=["no-vectors", "window-1"], seeds=range(2))
    assert [(cell.preset, cell.variant, cell.seed) for cell in cells] == [
        ("efficiency", "window-1", 0),
        ("efficiency", "window-1", 1),
        ("accuracy", "window-1", 0),
        ("accuracy", "no-vectors", 0),
        ("accuracy", "window-1", 1),
        ("accuracy", "no-vectors", 1),
    ]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"corpora": ()}, "Name corpora .*--corpus: places"),
        ({"corpora": ["other"]}, "no other; there is places"),
        ({"presets": ["other"]}, "no other; there is efficiency, accuracy"),
        ({"variants": ["other"]}, "no other; there is as-it-stands"),
        ({"presets": ["efficiency"], "variants": ["no-vectors"]}, "no no-vectors"),
    ],
)
def test_unknown_names_are_errors(data, asked, message):
    with pytest.raises(InputError, match=message):
        choose(data, **asked)


def run(data, *options):
    folder = data.parent
    steps = ("--set", "training.max_steps=2", "--set", "training.eval_frequency=2")
    folders = ("--work", folder / "work", "--output", folder / "out")
    command = (data, "--ablation", "--corpus", "places", *steps, *folders, *options)
    outcome = CliRunner().invoke(accuracy.app, [str(part) for part in command])
    assert outcome.exit_code == 0, outcome.output
    return outcome.output


def test_cells_are_run_once_and_without_test(data):
    pytest.importorskip("matplotlib", reason="figures need matplotlib")
    chosen = ("--preset", "efficiency", "--seeds", 1)
    run(data, *chosen, "--variant", AS_IT_STANDS)
    output = run(data, *chosen, "--variant", AS_IT_STANDS, "--variant", "constant-rate")
    assert f"1 of 1: ablation-places-efficiency-window_ner-0-100-constant-rate-{__version__}" in (
        "".join(output.split("\n"))
    )
    first, result = srsly.read_jsonl(data.parent / "out" / "results.jsonl")
    assert result["study"] == "ablation"
    assert [first["variant"], result["variant"]] == [AS_IT_STANDS, "constant-rate"]
    assert result["overrides"] == {
        "training.max_steps": 2,
        "training.eval_frequency": 2,
        "training.optimizer.learn_rate.total_steps": 1_000_000_000,
    }
    assert result["test"] is None
    f1 = [100 * row["dev"]["f"] for row in (first, result)]
    rows = (data.parent / "out" / "ablation.md").read_text(encoding="utf8").splitlines()
    assert rows[2:] == [
        f"| efficiency | `places` | as-it-stands | 1 | {f1[0]:.1f} | – |",
        f"| efficiency | `places` | constant-rate | 1 | {f1[1]:.1f} | {f1[1] - f1[0]:+.1f} |",
    ]


@pytest.mark.parametrize("variant", [AS_IT_STANDS, "no-vectors"])
def test_vectors_are_those_of_the_preset_or_none(data, monkeypatch, variant):
    opened = []
    monkeypatch.setattr(studies, "open_run", lambda corpus, settings, folder: settings)
    monkeypatch.setattr(
        ablation, "train_alone", lambda system, settings: opened.append(settings) or {}
    )
    cell = Cell("ablation", "places", "accuracy", "window_ner", 4, variant=variant)
    settings = Settings(Path(), overrides={"paths.vectors": "x", "training.max_steps": 9})
    ablation.run_cell(cell, data, settings)
    (settings,) = opened
    assert settings.vectors == (None if variant == "no-vectors" else "glove")
    assert settings.overrides["paths.vectors"] == (None if variant == "no-vectors" else "x")
    assert settings.overrides["training.max_steps"] == 9
    assert (settings.seed, settings.test, settings.config) == (4, False, PRESETS["accuracy"][0])


# results


def results(version="0.1.0", **f1):
    return {
        Cell(
            *("ablation", "a", "efficiency", "window_ner", seed),
            variant=variant.replace("_", "-"),
            version=version,
        ): {"dev": {"f": value / 100}}
        for variant, values in f1.items()
        for seed, value in values.items()
    }


RESULTS = results(
    better={0: 52.0},
    as_it_stands={0: 50.0, 1: 54.0},
    worse={0: 40.0, 1: 48.0, 2: 90.0},
)


def test_differences_are_between_equal_seeds():
    ((key, worths),) = ablation.compare(RESULTS).items()
    assert key == ("efficiency", "a", "0.1.0")
    assert [(worth.variant, worth.differences) for worth in worths] == [
        (AS_IT_STANDS, []),
        ("worse", pytest.approx([-10, -6])),
        ("better", pytest.approx([2])),
    ]


def test_the_table_has_means_and_spread():
    rows = ablation.table(ablation.compare(RESULTS)).splitlines()
    assert rows[2:] == [
        "| efficiency | `a` | as-it-stands | 2 | 52.0 ± 2.8 | – |",
        "| efficiency | `a` | worse | 3 | 59.3 ± 26.9 | -8.0 ± 2.8 |",
        "| efficiency | `a` | better | 1 | 52.0 | +2.0 |",
    ]


def test_variants_are_compared_within_their_version():
    later = results("0.10.0", better={0: 61.0}, as_it_stands={0: 60.0})
    between = results("0.9.0", as_it_stands={0: 70.0})
    rows = ablation.table(ablation.compare({**later, **between, **RESULTS})).splitlines()
    assert [row.split(" | ")[0] for row in rows[2:]] == [
        *["| efficiency 0.1.0"] * 3,
        "| efficiency 0.9.0",
        *["| efficiency 0.10.0"] * 2,
    ]
    assert rows[-1] == "| efficiency 0.10.0 | `a` | better | 1 | 61.0 | +1.0 |"


def test_the_figure_has_what_can_be_compared(tmp_path):
    pytest.importorskip("matplotlib", reason="figures need matplotlib")
    path = tmp_path / "ablation.svg"
    assert ablation.draw(ablation.compare(results(alone={0: 50.0})), path) is None
    assert not path.exists()
    assert ablation.draw(ablation.compare(RESULTS), path) == path
    assert "<svg" in path.read_text()
