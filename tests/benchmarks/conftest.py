import pytest


@pytest.fixture
def data(tmp_path):
    """A folder with one corpus, whose sentences have one name each."""
    folder = tmp_path / "data" / "places"
    folder.mkdir(parents=True)
    lines = [f"in\tO\n{place}\tB-LOC\n" for place in ("Oslo", "Rome", "Bonn", "Kiel") * 5]
    for part in ("train", "dev", "test"):
        (folder / f"{part}.conll").write_text("\n".join(lines), encoding="utf8")
    return folder.parent
