"""The text that speed is measured on."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from data import Split
from spacy.tokens import Doc, DocBin
from spacy.vocab import Vocab

_NO_SPACE_BEFORE = re.compile(r"[.,;:!?%)\]}]|\.\.\.|'|''|'(s|m|d|re|ve|ll)|n't", re.IGNORECASE)
_NO_SPACE_BEHIND = re.compile(r"[(\[{$#£€]|``")


@dataclass(frozen=True)
class Text:
    """A document's words.

    words (Tuple[str]): The words.
    spaces (Tuple[bool]): Whether a space follows each.
    """

    words: tuple[str, ...]
    spaces: tuple[bool, ...]

    def __len__(self) -> int:
        return len(self.words)

    def __str__(self) -> str:
        pairs = zip(self.words, self.spaces, strict=True)
        return "".join(word + " " * space for word, space in pairs)

    def doc(self, vocab: Vocab) -> Doc:
        """Make a document that is tokenized.

        vocab (Vocab): Its vocabulary.
        RETURNS (Doc): The document, without annotation.
        """
        return Doc(vocab, words=self.words, spaces=self.spaces)


def put_spaces(words: Sequence[str]) -> Text:
    """Find where words of a corpus had no space between them, by the rules of English.

    words (Sequence[str]): The words.
    RETURNS (Text): The words with spaces.
    """
    spaces = []
    quotes = 0
    for word, following in pairwise([*words, None]):
        quotes += word == '"'
        opens = word == '"' and quotes % 2 == 1
        closes = following == '"' and quotes % 2 == 1
        joined = _NO_SPACE_BEHIND.fullmatch(word) or _NO_SPACE_BEFORE.fullmatch(following or "")
        spaces.append(not (joined or opens or closes or following is None))
    return Text(tuple(words), tuple(spaces))


def read_texts(split: Split, tokenized: bool, max_words: int) -> list[Text]:
    """Read the text of a part of a corpus.

    split (Split): The part.
    tokenized (bool): Whether the corpus is tokens, so that its spaces are not known.
    max_words (int): The number of words after which to stop.
    RETURNS (List[Text]): Its documents.
    """
    texts, n_words = [], 0
    for doc in DocBin().from_disk(split.path).get_docs(Vocab()):
        if n_words >= max_words:
            break
        words = [token.text for token in doc]
        spaces = tuple(bool(token.whitespace_) for token in doc)
        texts.append(put_spaces(words) if tokenized else Text(tuple(words), spaces))
        n_words += len(doc)
    return texts


def cut(words: Iterable[str], length: int) -> list[Text]:
    """Cut a stream of words into documents.

    words (Iterable[str]): The words.
    length (int): The number of words of each.
    RETURNS (List[Text]): The documents; the last may be shorter.
    """
    stream = iter(words)
    pieces = iter(lambda: tuple(islice(stream, length)), ())
    return [Text(piece, (True,) * len(piece)) for piece in pieces]


def count(texts: Sequence[Text]) -> int:
    """Count words.

    texts (Sequence[Text]): Documents.
    RETURNS (int): The number of their words.
    """
    return sum(map(len, texts))
