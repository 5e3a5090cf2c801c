"""Corpora in many languages and formats as the data of one network, and its tokenizer."""

import io
import json
import random
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from unicodedata import normalize

import pytest
import spacy
import typer
from spacy.tokens import Doc, DocBin

SCRIPTS = Path(__file__).parents[1] / "models" / "scripts"
MODULES = ("prepare_many", "many_corpora", "many_formats", "spaceless", "clones")


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield __import__("prepare_many")
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture
def formats(script):
    return sys.modules["many_formats"]


@pytest.fixture
def nlp(script):
    return sys.modules["spaceless"].blank()


def by_name(script, name):
    return next(corpus for corpus in script.CORPORA if corpus.name == name)


def shown(documents):
    """The texts of passages with what is labeled in them."""
    return [
        [(p.text, [(p.text[s:e], label) for s, e, label in p.labels]) for p in document]
        for document in documents
    ]


def read_text(script, name, text, path="a"):
    """The documents of a file of a corpus, with the labels of here."""
    corpus = by_name(script, name)
    content = text if isinstance(text, bytes) else text.encode()
    return shown(script.mapped(corpus, d) for d in corpus.read([(path, content)]))


UNIVERSAL = """# newdoc id = 1
# text = I SID-huset, sagde Kjeld.
1\tI\tO\t-\ta
2\tSID-huset\tB-ORG\t-\ta
3\t,\tO\t-\ta
4\tsagde\tO\t-\ta
5\tKjeld\tB-PER\t-\ta
6\t.\tO\t-\ta

# newdoc id = 2
# text = Olympen
1\tOlympen\tB-OTH\t-\ta
"""


def test_universal_ner_has_its_text_and_documents(script):
    assert read_text(script, "Danish-DDT", UNIVERSAL) == [
        [("I SID-huset, sagde Kjeld.", [("SID-huset", "ORG"), ("Kjeld", "PER")])],
        [("Olympen", [])],
    ]


def test_columns_of_chinese_have_no_spaces(script):
    text = "1\t在\tO\n2\t北京\tB-LOC\n3\t大学\tI-LOC\n4\t。\tO\n"
    assert read_text(script, "Chinese-GSDSIMP", text) == [[("在北京大学。", [("北京大学", "LOC")])]]


def test_portuguese_words_are_contracted(script):
    words = ["Em", "o", "Rio", "de", "a", "Barra", "por", "as", "a"]
    tags = ["O", "B-LOC", *["I-LOC"] * 4, "O", "O", "O"]
    rows = enumerate(zip(words, tags, strict=True), 1)
    text = "".join(f"{i}\t{word}\t{tag}\n" for i, (word, tag) in rows)
    assert read_text(script, "Portuguese-Bosque", text) == [
        [("No Rio da Barra pelas a", [("Rio da Barra", "LOC")])]
    ]


def test_attributes_of_columns(script):
    rows = [("3", "Ola", "SpaceAfter=No|name=B-GPE_ORG"), ("4", "|", "name=O")]
    text = "".join("\t".join([i, word, *"_" * 7, misc]) + "\n" for i, word, misc in rows)
    assert read_text(script, "NorNE nob", text) == [[("Ola", [("Ola", "LOC")])]]


def test_labels_without_marks(script):
    text = "Inger   PER\nAtterstam   PER\n:   0\n#   0\n\nUppsala\tORG\n"
    assert read_text(script, "Swedish web news", text) == [
        [("Inger Atterstam: #", [("Inger Atterstam", "PER")]), ("Uppsala", [("Uppsala", "ORG")])]
    ]


def test_columns_with_two_levels(script):
    text = "#\thttp://a.de\t[2010]\n1\tBonn\tB-LOC\tO\n2\tUS-Chef\tB-LOCpart\tO\n3\tRom\tI-LOC\tO\n"
    assert read_text(script, "GermEval 2014", text) == [
        [("Bonn US-Chef Rom", [("Bonn", "LOC"), ("US-Chef", ""), ("Rom", "LOC")])]
    ]


def test_paragraphs_of_a_latvian_document_are_together(script):
    row = "1\tRīga\trīga\tX\tx\t_\tB-GPE\tO\t_\t_\n"
    corpus = by_name(script, "FullStack")
    files = [(f"a/{name}.conll2003", row.encode()) for name in ("c1-p1", "c1-p2", "c12-p1")]
    assert [len(document) for document in corpus.read(files)] == [2, 1]
    assert read_text(script, "FullStack", row) == [[("Rīga", [("Rīga", "LOC")])]]


def test_hungarian_columns_with_a_line_of_comment(script):
    text = "# global.columns = FORM LEMMA\nPécs\ta\tb\tc\td\tB-LOC\te\n.\ta\tb\tc\td\tO\te\n"
    assert read_text(script, "NYTK-NerKor", text) == [[("Pécs.", [("Pécs", "LOC")])]]


def test_mentions_of_people_in_ronec_are_cut_to_names(script):
    words = ["Fanii", ",", "domnul", "prefect", "Ion", "Pop", "din", "Arad"]
    tags = ["B-PERSON", "O", *["B-PERSON", *["I-PERSON"] * 3], "O", "B-GPE"]
    space_after = [False, *[True] * 6, False]
    one = {"tokens": words, "ner_tags": tags, "space_after": space_after}
    fans = {"tokens": ["fanii"], "ner_tags": ["B-PERSON"], "space_after": [False]}
    assert read_text(script, "RONEC 2", json.dumps([one, fans])) == [
        [
            (
                "Fanii, domnul prefect Ion Pop din Arad",
                [("Fanii", "PER"), ("Ion Pop", "PER"), ("Arad", "LOC")],
            )
        ],
        [("fanii", [])],
    ]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.conllup", "# text = Ion.\n1\tIon\tB-PERSON\n2\t.\tO\n")
    assert read_text(script, "RONEC 1", archive.getvalue()) == [[("Ion.", [("Ion", "PER")])]]


def test_estonian_documents_have_outer_names(script):
    words = [
        {"word": w, "ner_1": t, "ner_2": "B-GPE"} for w, t in [("Eesti", "B-ORG"), ("TV", "I-ORG")]
    ]
    text = json.dumps({"documents": [{"sentences": [{"words": words}, {"words": []}]}]})
    assert read_text(script, "EstNER", text) == [[("Eesti TV", [("Eesti TV", "ORG")])]]


def test_labels_by_characters(script):
    japanese = [{"text": "東京の人", "entities": [{"span": [0, 2], "type": "地名"}]}]
    assert read_text(script, "Stockmark Wikipedia", json.dumps(japanese)) == [
        [("東京の人", [("東京", "LOC")])]
    ]
    korean = {"text": "김씨는", "spans": [{"start": 0, "end": 1, "label": "PS"}]}
    assert read_text(script, "KLUE", f"{json.dumps(korean)}\n") == [[("김씨는", [("김", "PER")])]]


def test_files_of_spacy(script):
    doc = Doc(spacy.blank("xx").vocab, words=["東京", "の"], spaces=[False, False])
    doc.ents = [doc.char_span(0, 2, label="GPE")]
    content = DocBin(docs=[doc]).to_bytes()
    assert read_text(script, "UD Japanese GSD", content) == [[("東京の", [("東京", "LOC")])]]


RUSSIAN = {
    "txt": "Мэр Москвы Юрий Лужков.\n\nМэрия Москвы.",
    "spans": "1 job 0 3 9 1  # Мэр\n2 loc_name 4 6 9 1\n3 name 11 4 9 1\n4 surname 16 6 9 1\n"
    "5 org_descr 25 5 9 1\n6 loc_name 31 6 9 1\n",
    "objects": "1 Person 1 3 4 # Мэр Юрий Лужков\n2 LocOrg 2 #\n3 LocOrg 6 #\n4 Org 5 6 #\n"
    "5 Org 5 #\n",
}


def test_russian_names_are_what_the_spans_of_an_object_cover(script):
    corpus = by_name(script, "factRuEval-2016")
    files = [(f"devset/book_1.{kind}", text.encode()) for kind, text in RUSSIAN.items()]
    assert shown(script.mapped(corpus, document) for document in corpus.read(files)) == [
        [
            ("Мэр Москвы Юрий Лужков.", [("Москвы", "LOC"), ("Юрий Лужков", "PER")]),
            ("Мэрия Москвы.", [("Мэрия Москвы", "ORG")]),
        ]
    ]


@pytest.mark.parametrize(
    "text", ['Han sa: "Hei, du!" (ja).', "Er sagte: „Nein“, dann „ja“.", "«Да», сказал он; «нет»…"]
)
def test_spaces_are_guessed(formats, text):
    words = [token.text for token in spacy.blank("xx")(text)]
    guessed, starts = formats.guess_text(words)
    assert guessed == text
    assert [text[s : s + len(w)] for s, w in zip(starts, words, strict=True)] == words


def test_words_that_are_not_in_the_text(formats):
    assert formats.find_words(["a", "b"], "a b") == [0, 2]
    assert formats.find_words(["a", "b"], "a c b") is None
    assert formats.find_words(["a"], "a b") is None


TOKENS = {
    "东京大学在A市。": "东 京 大 学 在 A 市 。",
    "レッドは、ITの会社（カナ・カナ）": "レッド は 、 IT の 会 社 （ カナ ・ カナ ）",
    "ประเทศไทย Google ในกรุง1": "ป ระ เท ศ ไท ย Google ใน ก รุ ง 1",
    "が ガーナ ｶﾞ": "が ガーナ ｶﾞ",
    "서울에서 김이 본 삼성전자(三星)의 LG가.": "서울 에서 김이 본 삼성전자 ( 三 星 ) 의 LG 가 .",
    "İzmir'de Gümüş’ün d'Arc": "İzmir 'de Gümüş ’ün d'Arc",
    "café. दिल्ली में।": "café . दिल्ली में ।",
    "Москва-река, Αθήνα!": "Москва - река , Αθήνα !",
}


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("text", TOKENS)
def test_tokens_of_scripts(nlp, tmp_path, text, form):
    text, tokens = normalize(form, text), normalize(form, TOKENS[text])
    nlp.to_disk(tmp_path)
    for pipeline in (nlp, spacy.load(tmp_path)):
        doc = pipeline(text)
        assert doc.text == text
        assert " ".join(token.text for token in doc) == tokens


def test_any_text_is_kept(nlp):
    letters = "aé. \n-(東京）かがガーナ・กเาุ๊1서हि\u3099\u0301\u200d\ufe0f👨İß"
    draws = random.Random(0)
    for _ in range(300):
        text = "".join(draws.choices(letters, k=12))
        assert nlp(text).text == text


def test_names_have_whole_tokens_and_sentences_start_where_passages_do(script, formats, nlp):
    passages = [
        formats.Passage("김씨는 왔다.", [(0, 1, "PER")]),
        formats.Passage("X", [(0, 1, "")]),
    ]
    doc, inexact = script.make_doc(nlp, passages)
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("김씨", "PER")]
    assert inexact == 1
    assert [sent.text for sent in doc.sents] == ["김씨는 왔다.", "X"]
    assert [token.ent_iob for token in doc] == [3, 2, 2, 2, 0]
    japanese = [
        formats.Passage("東京だ。", [(0, 2, "LOC")]),
        formats.Passage("京都", [(0, 2, "LOC")]),
    ]
    doc, inexact = script.make_doc(nlp, japanese)
    assert doc.text == "東京だ。京都"
    assert [ent.text for ent in doc.ents] == ["東京", "京都"]
    assert inexact == 0


def test_languages_share_words_by_the_root_of_their_sizes(script, nlp):
    assert script.shares({"hu": 900, "et": 100}, 400) == {"hu": 300, "et": 100}
    docs = [nlp(f"{i} a") for i in range(5)]
    once = script.draw(docs, 4, "a")
    assert len({doc[0].text for doc in once}) == len(once) == 2
    twice = [doc[0].text for doc in script.draw(docs, 16, "a")]
    assert sorted(twice[:5]) == sorted(doc[0].text for doc in docs)
    assert len(twice) == 8


def test_what_is_held_out_or_repeated_is_not_trained_on(script, formats):
    text = "Dette er en lang setning."
    documents = [
        [formats.Passage(t, []) for t in (text, "Ja.", "Ja.", "Dette er en annen setning.")]
    ]
    documents.append(documents[0][:1])
    held_out = {script.letters_of("dette er en lang setning")}
    kept = script.without_repeated(documents, held_out)
    assert [[p.text for p in d] for d in kept] == [["Ja.", "Ja.", "Dette er en annen setning."]]
    assert script.letters_of("Őszi É.") == script.letters_of(normalize("NFD", "őszi é"))


def test_names_of_other_languages(script, formats):
    danish = [
        formats.Passage("Anna og IBM.", [(0, 4, "PER"), (8, 11, "ORG")]),
        formats.Passage("Anna i Oslo", [(0, 4, "PER"), (7, 11, "LOC"), (7, 11, "PER")]),
    ]
    russian = [formats.Passage("Иван в Рио", [(0, 4, "PER"), (7, 10, "")])]
    others = [[formats.Passage("Pál és Ivo Bor", [(0, 3, "PER"), (7, 14, "PER")])], russian]
    names = script.names_of(others)
    assert names == {"PER": ["Ivo Bor", "Pál"]}
    seen = set()
    for seed in range(20):
        first, second = script.with_other_names(danish, names, random.Random(seed))
        [(start, end, _), *_] = first.labels
        name = first.text[start:end]
        assert [first.text, second.text] == [f"{name} og IBM.", f"{name} i Oslo"]
        for passage in (first, second):
            kept = [(passage.text[s:e], label) for s, e, label in passage.labels]
            assert kept in ([(name, "PER"), ("IBM", "ORG")], [(name, "PER"), ("Oslo", "LOC")])
        seen.add(name)
    assert seen == {"Anna", "Pál", "Ivo Bor"}
    assert script.with_other_names(russian, names, random.Random(0)) == russian
    assert [script.is_latin(text) for text in ("“Éva”", "Ж a", "12", "")] == [1, 0, 0, 0]


def test_corpora_can_be_left_out(script):
    names = {corpus.name for corpus in script.CORPORA}
    assert names - {corpus.name for corpus in script.chosen(["KLUE"])} == {"KLUE"}
    with pytest.raises(typer.BadParameter, match="No corpus: KLUW"):
        script.chosen(["KLUW"])


def test_big_corpora_are_cut_to_whole_documents(script, formats):
    documents = [[formats.Passage(str(i), [])] * 2 for i in range(10)]
    cut = script.at_most(documents, 7)
    assert len(cut) == len({document[0].text for document in cut}) == 3
    assert sorted(script.at_most(documents, 20)) == documents


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_writes_the_data(script, tmp_path, monkeypatch):
    danish = by_name(script, "Danish-DDT")
    japanese = by_name(script, "Stockmark Wikipedia")
    monkeypatch.setattr(script, "CORPORA", [danish, replace(japanese, name="x")])
    clone = tmp_path / danish.repository
    files = {
        clone / f"da_ddt-ud-{part}.iob2": UNIVERSAL.replace("Kjeld", part) for part in script.PARTS
    }
    entity = {"span": [0, 2], "type": "地名"}
    sentences = [{"text": f"東京{'あ' * i}。", "entities": [entity]} for i in range(20)]
    files[tmp_path / japanese.repository / "ner.json"] = json.dumps(sentences)
    with pytest.raises(FileNotFoundError, match="git clone https://github"):
        script.main(tmp_path, tmp_path, tmp_path / "out")
    for path, text in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf8")
    author = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    for folder in {path.parent for path in files}:
        for command in (["init", "-q"], ["add", "."], [*author, "commit", "-q", "-m", "a"]):
            subprocess.run(["git", "-C", str(folder), *command], check=True)
    script.main(tmp_path, tmp_path, tmp_path / "out", words=200)
    out = tmp_path / "out"
    nlp = spacy.load(out / "tokenizer")

    def read(name):
        return list(DocBin().from_disk(out / f"{name}.spacy").get_docs(nlp.vocab))

    assert [ent.text for doc in read("languages/da-train") for ent in doc.ents] == [
        "SID-huset",
        "train",
    ]
    assert len(read("languages/ja-train")) == 16
    assert [len(read(f"tests/{name}")) for name in ("da-danish-ddt", "ja-x")] == [2, 2]
    assert sum(map(len, read("train"))) >= 200
    assert {doc.text for doc in read("dev")} == {
        doc.text for n in ("da", "ja") for doc in read(f"languages/{n}-dev")
    }
    assert len((out / "texts.txt").read_text(encoding="utf8").splitlines()) == 18
    assert [one["train"][2] for one in json.loads((out / "sizes.json").read_text())] == [2, 16]
