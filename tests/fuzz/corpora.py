"""Uploads in every encoding, whole and damaged: each is refused in words, or stored as the text that it is; and so are
the records that it is said to have."""

from __future__ import annotations

import codecs
import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np

from charrnn.tasks.record import TASKS
from charrnn.words import WordVocabulary
from service.training.corpora.conversion import Conversion
from service.training.corpora.corpus import Corpus
from service.training.corpora.decoding import MARK, Newlines, marked_encoding
from service.training.corpora.ids import ids
from service.training.corpora.store import CorpusStore
from service.training.errors import CorpusError, RecordsError
from service.training.records.format import FILE_FORMATS, Fields, RecordFormat
from service.training.records.preview import preview
from service.training.records.reading import records
from tests.fuzz.cases import Case
from tests.fuzz.mutating import ODD_TEXTS, changed_bytes, changed_json

WIDE: Final = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
ENCODINGS: Final = (
    *("utf-8", "utf-8-sig", "ascii", *WIDE, "latin-1", "iso8859_2", "iso8859_5", "iso8859_15"),
    *(f"cp{page}" for page in (1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258, 437, 850, 866, 874)),
    *("koi8_r", "koi8_u", "mac_roman", "shift_jis", "cp932", "euc_jp", "iso2022_jp", "gb18030", "gbk", "gb2312", "hz"),
    *("euc_kr", "cp949", "johab", "iso2022_kr", "big5", "big5hkscs", "cp950", "utf_7"),
)
SAMPLES: Final = (
    "The quick brown fox jumps over the lazy dog, and says nothing of it.",
    "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich; »voilà«, dit le garçon naïf.",
    "Съешь же ещё этих мягких французских булок, да выпей чаю.",
    "Příliš žluťoučký kůň úpěl ďábelské ódy. Zażółć gęślą jaźń.",
    "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία.",
    "いろはにほへと ちりぬるを。色は匂へど散りぬるを、我が世誰ぞ常ならむ。",
    "天地玄黃,宇宙洪荒。日月盈昃,辰宿列張。",
    "다람쥐 헌 쳇바퀴에 타고파. 키스의 고유조건은 입술끼리 만나야 하고.",
    "דג סקרן שט בים מאוכזב ולפתע מצא חברה. صِف خَلقَ خَودِ كَمِثلِ الشَمسِ",
    "e\u0301\u0302\u0308" * 9,
    "\u0301" * 40,
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea \u202eabc\u202c",
)
LINE_ENDS: Final = (*("\n",) * 9, "\r\n", "\r", "\n\r", "\u2028", "\x85", "\x0b", "\x1c", "")
ROWS: Final = ("label,text", "text\tlabel", '{"text": "a", "label": "b"}', '{"text": "a"}', 'x,"y\nz"', "a\tb\tc", '"')


def _lines(random: Random) -> list[str]:
    kind = random.randrange(6)
    if kind == 0:
        return [random.choice(SAMPLES)] * random.choice((1, 3, 50))
    if kind == 1:
        return ["".join(chr(random.randrange(1, 0xD800)) for _ in range(30)) for _ in range(random.randint(0, 9))]
    if kind == 2:
        return [random.choice((*ROWS, *SAMPLES, *ODD_TEXTS)) for _ in range(random.randint(0, 40))]
    return _rows(random)


def _rows(random: Random) -> list[str]:
    """The rows of a file with named fields, some of them broken."""
    row: dict[str, Any] = {"text": random.choice(SAMPLES), "label": "a", "tags": ["N"] * 3, "target": "t"}
    names = random.choice((["text"], ["text", "label"], ["text", "target"], sorted(row), random.sample(sorted(row), 2)))
    form, broken = random.choice(("json", ",", "\t")), random.choice((0, 0, 0.1, 0.5))
    found = [] if form == "json" else [form.join(names)]
    for _ in range(random.randint(1, 30)):
        values: Any = {name: row[name] for name in names}
        if random.random() < broken:
            values = random.choice((changed_json(random, values), random.choice(ODD_TEXTS)))
        if form == "json":
            found.append(json.dumps(values, ensure_ascii=random.random() < 0.5))
        else:
            cells = values.values() if isinstance(values, dict) else [values]
            found.append(form.join(f'"{cell}"' if form == "," else str(cell) for cell in cells))
    return found


def _upload(random: Random, encoding: str) -> bytes:
    """The bytes of a text in this encoding, as far as it has them."""
    end = random.choice(LINE_ENDS)
    text = "".join(line + (random.choice(LINE_ENDS) if random.random() < 0.1 else end) for line in _lines(random))
    if random.random() < 0.05:
        text *= random.choice((100, 5000)) if len(text) < 3000 else 1
    text = (
        "".join(random.choice(("\0", MARK, "\r", "\ufffe")) + part for part in text) if random.random() < 0.02 else text
    )
    data = text.encode(encoding, random.choice(("ignore", "replace")))
    if random.random() < 0.1:
        data = random.choice((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE)) + data
    return changed_bytes(random, data) if random.random() < 0.4 else data


def tidied(text: str, newlines: str) -> str:
    """What an upload of this text is stored as."""
    text = text.replace(MARK, "")
    return text if newlines == "keep" else text.replace("\r\n", "\n").replace("\r", "\n")


def _declared_text(data: bytes, encoding: str) -> str | None:
    """The text that the data is in the declared encoding; None if it is none, or the declaration leaves it open."""
    marked = marked_encoding(data[:4])
    if encoding in ("utf-16", "utf-32") or (marked and not marked[0].startswith(encoding.removesuffix("-sig"))):
        return None
    with suppress(UnicodeError):
        text = data[marked[1] if marked else 0 :].decode(encoding)
        text.encode()  # UTF-7 has halves of surrogate pairs, too
        return text if text.replace(MARK, "") and "\0" not in text else None
    return None


def _stored(store: CorpusStore, corpus: Corpus) -> str:
    """The text of a corpus, which all that is known of it must fit."""
    data = store.path(corpus).read_bytes()
    text = data.decode()
    assert "\0" not in text, "a NUL is stored"
    assert corpus.sha256 == hashlib.sha256(data).hexdigest(), "the digest is of another text"
    assert (corpus.bytes, corpus.characters) == (len(data), len(text)), "sizes differ"
    assert store.characters(corpus) == "".join(sorted(set(text))), "characters differ"
    for level in ("char", "word"):
        vocabulary, found = ids(store, corpus, level)
        if not (isinstance(vocabulary, WordVocabulary) and (found == vocabulary.unknown_id).any()):
            assert vocabulary.decode(np.asarray(found)) == text, f"its ids are those of another text ({level})"
        del found
    return text


def _format(random: Random) -> RecordFormat | None:
    if random.random() < 0.5:
        return random.choice((RecordFormat(unit="line"), RecordFormat(fields=Fields(text="text"))))
    names = random.choice(
        (None, None, None, Fields(text="text"), Fields(text="text", label="label"), Fields(label="0"))
    )
    with suppress(ValueError):
        return RecordFormat(
            random.choice((None, None, "text", "line", "paragraph", "separator")),
            random.choice((None,) * 9 + ("\n\n\n", "--", ",", "\u0301")),
            random.choice((None, *FILE_FORMATS)),
            names,
            random.choice((0, 0.5, 1)),
        )
    return None


def _read_records(random: Random, path: Path, data: bytes, folder: Path) -> str:
    """Whether the text has records of some format."""
    form, task = _format(random), random.choice(("generate", *TASKS))
    if form is None or (not form.has_fields and form.record_unit == "text"):
        return "no records asked for"
    with suppress(CorpusError, ValueError):
        preview(data[: 1 << 16], folder, form, task, Conversion())
    try:
        for record in records(path, form, task):
            assert isinstance(record.text, str)
    except RecordsError:
        return "records refused"
    except ValueError as error:
        assert task in str(error) or "task" in str(error) or "unit" in str(error), error
        return "records refused"
    return "records read"


def _case(folder: Path, random: Random) -> str:
    encoding = random.choice(ENCODINGS)
    newlines: Newlines = random.choice(("lf", "lf", "keep"))
    data = _upload(random, encoding)
    declared = random.choice((None, encoding, encoding, random.choice(ENCODINGS)))
    cuts = sorted(random.randrange(len(data) + 1) for _ in range(random.choice((0, 1, 5))))
    chunks = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    store = CorpusStore(folder, max_bytes=60 << 20)
    expected = None if declared is None else _declared_text(data, declared)
    try:
        corpus, _ = store.add(chunks, "", len(data), Conversion(declared, newlines))
    except CorpusError as error:
        assert expected is None, f"refused, though it is {declared}: {error}"
        assert str(error) and "Traceback" not in str(error)
        return "upload refused"
    text = _stored(store, corpus)
    if expected is not None:
        assert text == tidied(expected, newlines), f"{declared} is read as another text"
    outcome = _read_records(random, store.path(corpus), data, folder)
    store.delete(corpus.id)
    return f"stored, {outcome}"


@contextmanager
def uploads() -> Iterator[Case]:
    """Each upload is refused or stored as what it is."""
    with tempfile.TemporaryDirectory() as folder:
        yield partial(_case, Path(folder))


@contextmanager
def long_lines() -> Iterator[Case]:
    """Single lines of 50 MB."""
    with tempfile.TemporaryDirectory() as folder:
        yield partial(_long_line, Path(folder))


def _long_line(folder: Path, random: Random) -> str:
    sample, encoding = random.choice(SAMPLES), random.choice(("utf-8", "utf-16-le", "gb18030"))
    unit = sample.encode(encoding)
    data = unit * ((50 << 20) // len(unit))
    store = CorpusStore(folder, max_bytes=60 << 20)
    corpus, _ = store.add([data], "", len(data), Conversion(encoding))
    assert corpus.characters == len(sample) * (len(data) // len(unit))
    with suppress(RecordsError):
        for _ in records(store.path(corpus), RecordFormat(unit="line"), "generate"):
            pass
    store.delete(corpus.id)
    return "stored"
