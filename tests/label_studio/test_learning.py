"""From an annotation to a prediction that has changed: with the process that learns."""

import time

from spacy_window_ner.label_studio.projects import Projects
from tests.pipelines import shared

from .payloads import CONFIG, UID, annotation, region, task

HOTELS = ("Astoria", "Bristol", "Continental", "Danieli", "Eden", "Fortuna", "Globo", "Helvetia")


def version_after(projects: Projects, version: str) -> str:
    for _ in range(1200):
        if (now := projects.version(UID)) != version:
            return now
        time.sleep(0.1)
    raise AssertionError("nothing was learned in two minutes")


def labels_of(projects: Projects, text: str) -> list[tuple[str, str]]:
    [prediction] = projects.predict(UID, None, [task(9, text)], [])
    return [(one["value"]["text"], one["value"]["labels"][0]) for one in prediction["result"]]


def test_it_learns_and_goes_on_after_a_restart(tmp_path):
    shared().to_disk(tmp_path / "base")
    base = shared(), str(tmp_path / "base")
    projects = Projects(tmp_path / "out", *base)
    projects.open(UID, CONFIG)
    first = projects.version(UID)
    texts = [f"We stayed at the {hotel} in Paris." for hotel in HOTELS]
    assert ("Astoria", "HOTEL") not in labels_of(projects, texts[0])
    pairs = []
    for n, (text, hotel) in enumerate(zip(texts, HOTELS, strict=True)):
        end = 17 + len(hotel)
        regions = region(17, end, hotel, "HOTEL"), region(end + 4, end + 9, "Paris", "LOC")
        pairs.append((annotation(n, *regions), task(n, text)))
    projects.annotate(UID, pairs)
    version, found = first, []
    while ("Astoria", "HOTEL") not in found:  # the first networks have not learned everything
        version = version_after(projects, version)
        found = labels_of(projects, texts[0])
    projects.close()

    projects = Projects(tmp_path / "out", *base)
    try:
        projects.open(UID)
        assert projects.project(UID).version == version
        assert labels_of(projects, texts[0]) == found
    finally:
        projects.close()
