"""Spark and Ray, the real ones, give what the local run gives."""

import os
import shutil

import pytest

from tests.pipelines import shared

pytest.importorskip("pyarrow", reason="pyarrow is not installed")

import pyarrow as pa

from spacy_window_ner.bulk import InputError, annotate_batches, annotate_files
from spacy_window_ner.bulk.plan import Settings

from .test_batches import same
from .test_files import contents, write_input

pytestmark = pytest.mark.extra


@pytest.fixture(scope="module")
def spark():
    """A Spark of this machine, with two Python workers."""
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("Spark needs Java, and there is none")
    builder = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    session = builder.getOrCreate()
    yield session
    session.stop()


@pytest.fixture(scope="module")
def ray():
    """A Ray of this machine."""
    ray = pytest.importorskip("ray", reason="ray is not installed")
    pytest.importorskip("ray.data", reason="ray is installed without ray[data]")
    environment = {"env_vars": {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}}
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, runtime_env=environment)
    yield ray
    ray.shutdown()


def local_rows(texts: list[str]) -> list[dict]:
    batch = pa.RecordBatch.from_pydict({"n": list(range(len(texts))), "text": texts})
    (result,) = annotate_batches(shared(), [batch])
    return result.to_pylist()


def assert_same_rows(rows: list[dict], expected: list[dict]) -> None:
    assert len(rows) == len(expected)
    for row, other in zip(sorted(rows, key=lambda row: row["n"]), expected, strict=True):
        assert same(row.pop("entities"), other["entities"])
        assert row == {name: value for name, value in other.items() if name != "entities"}


def test_spark_rows(spark, pipeline, texts):
    from spacy_window_ner.bulk.spark import annotate

    df = spark.createDataFrame(list(enumerate([*texts, None])), "n long, text string")
    annotated = annotate(df.repartition(6), str(pipeline)).cache()
    rows = [row.asDict(recursive=True) for row in annotated.collect()]
    assert_same_rows(rows, local_rows([*texts, None]))
    assert annotated.columns == ["n", "text", "entities", "error"]


def test_each_spark_worker_loads_the_pipeline_once(spark, pipeline):
    def count_loads(batches):
        from spacy_window_ner.bulk import loading

        for _ in batches:
            loading.load_once(str(pipeline))
            numbers = [os.getpid(), loading.load_once.cache_info().misses]
            yield pa.RecordBatch.from_pydict({"pid": numbers[:1], "loads": numbers[1:]})

    df = spark.range(60).repartition(6)
    rows = [
        row
        for _ in range(2)
        for row in df.mapInArrow(count_loads, "pid long, loads long").collect()
    ]
    assert {row["loads"] for row in rows} == {1}
    assert len({row["pid"] for row in rows}) < len(rows)


def test_spark_with_a_pipeline_that_was_sent(spark, pipeline, texts, tmp_path):
    from spacy_window_ner.bulk.spark import annotate

    shutil.copytree(pipeline, tmp_path / "sent_pipeline")
    spark.sparkContext.addFile(str(tmp_path / "sent_pipeline"), recursive=True)
    df = spark.createDataFrame([(texts[0], 1)], "body string, n int")
    (row,) = annotate(df, "sent_pipeline", text="body").collect()
    found = row.asDict(recursive=True)["entities"]
    assert same(found, local_rows(texts[:1])[0]["entities"])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("body string", "The column 'text' does not exist"),
        ("text string, error string", "would replace the columns error"),
    ],
)
def test_wrong_columns_of_a_data_frame(spark, pipeline, columns, message):
    from spacy_window_ner.bulk.spark import annotate

    with pytest.raises(ValueError, match=message):
        annotate(spark.createDataFrame([], columns), str(pipeline))


def test_ray_rows(ray, pipeline, texts):
    from spacy_window_ner.bulk.ray import annotate

    rows = [{"n": n, "text": text} for n, text in enumerate([*texts, None])]
    ds = ray.data.from_items(rows)
    found = annotate(ds, str(pipeline), workers=2, batch_size=20).take_all()
    assert_same_rows(found, local_rows([*texts, None]))


@pytest.mark.parametrize("name", ["spark", "ray"])
def test_files_are_annotated_to_the_same_bytes(request, name, pipeline, texts, tmp_path):
    request.getfixturevalue(name)
    engine = pytest.importorskip(f"spacy_window_ner.bulk.{name}").run
    path = write_input(tmp_path, "jsonl", texts)
    path.write_bytes(path.read_bytes() + b"broken\n")
    settings = Settings(shard_size=2000)
    outcomes = [
        annotate_files(str(pipeline), [path], tmp_path / name, settings, **options)
        for name, options in {"local": {}, "engine": {"engine": engine, "workers": 2}}.items()
    ]
    assert outcomes[0].counts == outcomes[1].counts
    assert contents(tmp_path / "engine") == contents(tmp_path / "local")
    with pytest.raises(InputError, match=f"line {len(texts) + 1}: invalid JSON"):
        output = tmp_path / "strict"
        annotate_files(str(pipeline), [path], output, settings, strict=True, engine=engine)
