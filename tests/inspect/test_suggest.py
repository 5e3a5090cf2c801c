import numpy as np
import pytest

from spacy_window_ner.inspect.suggest import choose_texts, entropy_by_cost, project, suggest
from tests.pipelines import OBJECTIVES, ner_of, shared, small_model, texts_of, trained

KNOWN = texts_of()
STRANGE = "Berlin Hilton came to York and Samuel in 1989 hotel Quinn."


def test_cosines_are_those_of_the_words(monkeypatch):
    monkeypatch.setattr("spacy_window_ner.inspect.suggest._TOKENS", 17)
    rng = np.random.RandomState(1)
    words = [rng.randint(1, 40, size=n).astype(np.uint64) for n in (5, 12, 30, 0, 60)]
    words.append(words[1][::-1].copy())
    vectors = project(words)
    n_texts = {w: sum(w in set(other.tolist()) for other in words) for w in range(40)}
    counts = np.zeros((len(words), 40))
    for row, of_text in enumerate(words):
        for word in of_text.tolist():
            counts[row, word] += np.log1p(len(words) / n_texts[word])
    norms = np.linalg.norm(counts, axis=1, keepdims=True)
    counts /= np.where(norms > 0, norms, 1)
    np.testing.assert_allclose(vectors @ vectors.T, counts @ counts.T, atol=0.2)
    assert vectors[1] @ vectors[5] == pytest.approx(1, abs=1e-5)
    assert not vectors[3].any()
    assert project([]).shape[0] == 0


def test_the_choice_is_greedy():
    vectors = np.eye(3, 4, dtype=np.float32)[[0, 0, 1, 2]]
    chosen, values = choose_texts(np.asarray([5.0, 4.9, 1.0, -1.0]), vectors, 9)
    assert chosen == [0, 2, 1]  # the twin comes last, what is negative never
    assert values == pytest.approx([5, 1, 0])
    assert choose_texts(np.asarray([1.0, 2.0]), vectors[[0, 2]], 1) == ([1], [2.0])


def test_neither_long_nor_short_texts_are_chosen_for_their_length():
    lengths = np.asarray([2, 20, 38, 0])
    mean = 20
    gain = entropy_by_cost(np.asarray([2.0, 20.0, 38.0, 0.0]), lengths)
    assert gain == pytest.approx([2 / (2 + mean), 20 / (20 + mean), 38 / (38 + mean), 0])
    # A text of two odd words does not come before an ordinary one.
    assert entropy_by_cost(np.asarray([4.0, 20.0, 0.0, 0.0]), lengths).argmax() == 1
    assert entropy_by_cost(np.zeros(2), np.zeros(2, dtype=int)).tolist() == [0, 0]


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_uncertain_texts_come_first(objective):
    nlp = trained(model=small_model(objective=objective), steps=15)
    read = []
    found = suggest(nlp, [*KNOWN, STRANGE, "", STRANGE], 3, done=read.append)
    assert found[0].text == STRANGE
    assert all(task.text and task.text != STRANGE for task in found[1:])
    lengths = [len(nlp.make_doc(text)) for text in (STRANGE, *KNOWN, STRANGE)]
    mean = sum(lengths) / len(lengths)
    uncertainty = found[0].score * (lengths[0] + mean) / lengths[0]
    assert uncertainty == pytest.approx(found[0].meta["uncertainty"], abs=1e-4)
    assert sum(read) == len(KNOWN) + 3
    assert len(suggest(nlp, [*KNOWN, "", " \n"], 100)) == len(KNOWN)


def test_tasks_have_what_is_read():
    nlp = shared()
    [task] = suggest(nlp, [KNOWN[0]], 1)
    doc = nlp(KNOWN[0])
    assert task.spans == [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
    assert task.tokens == [(token.idx, token.idx + len(token)) for token in doc]
    p = ner_of(nlp).tag_probabilities(doc)
    assert 0 <= task.meta["uncertainty"] < np.log(p.shape[1])


def test_wrong_numbers():
    with pytest.raises(ValueError, match="must be at least 1, got 0"):
        suggest(shared(), KNOWN, 0)
    assert suggest(shared(), [], 3) == []
