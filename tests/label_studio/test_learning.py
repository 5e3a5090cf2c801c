"""From an annotation to a prediction that has changed: with the process that learns."""

import time
from typing import Any

from spacy_window_ner.label_studio.projects import Projects
from spacy_window_ner.teach.learner import saved_network
from tests.pipelines import shared

from .payloads import CONFIG, UID, annotation, region, task

HOTELS = ("Astoria", "Bristol", "Continental", "Danieli", "Eden", "Fortuna", "Globo", "Helvetia")


def version_after(projects: Projects, version: str) -> str:
    for _ in range(1200):
        if (now := projects.version(UID)) != version:
            return now
        time.sleep(0.1)
    raise AssertionError("nothing was learned in two minutes")


def labels_of(prediction: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["value"]["text"], one["value"]["labels"][0]) for one in prediction["result"]]


def read(projects: Projects, text: str) -> list[tuple[str, str]]:
    [prediction] = projects.predict(UID, None, [task(9, text)], [])
    return labels_of(prediction)


def test_it_learns_and_goes_on_after_a_restart(tmp_path):
    shared().to_disk(tmp_path / "base")
    base = shared(), str(tmp_path / "base")
    projects = Projects(tmp_path / "out", *base)
    projects.open(UID, CONFIG)
    first = projects.version(UID)
    texts = [f"We stayed at the {hotel} in Paris." for hotel in HOTELS]
    assert ("Astoria", "HOTEL") not in read(projects, texts[0])
    pairs = []
    for n, (text, hotel) in enumerate(zip(texts, HOTELS, strict=True)):
        end = 17 + len(hotel)
        regions = region(17, end, hotel, "HOTEL"), region(end + 4, end + 9, "Paris", "LOC")
        pairs.append((annotation(n, *regions), task(n, text)))
    projects.annotate(UID, pairs)
    version, found = first, []
    while ("Astoria", "HOTEL") not in found:  # the first networks have not learned everything
        version = version_after(projects, version)
        found = read(projects, texts[0])
    projects.close()

    # It may have learned a newer network before it was closed.
    saved = saved_network(tmp_path / "out" / UID)
    assert saved is not None
    projects = Projects(tmp_path / "out", *base)
    try:
        project = projects.project(projects.open(UID))
        assert project.version.startswith(f"window_ner {saved.number} ")
        [prediction] = project.predict([task(9, texts[0])])
        assert ("Astoria", "HOTEL") in labels_of(prediction)
    finally:
        projects.close()
