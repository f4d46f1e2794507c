"""The country of a name: names that faker makes for ten locales."""

from __future__ import annotations

from faker import Faker

from benchmarks.records.parts import Parts, parts

LOCALES = ("cs_CZ", "de_DE", "en_US", "es_ES", "fi_FI", "fr_FR", "it_IT", "nl_NL", "pl_PL", "tr_TR")
PER_LOCALE = 4_000


def make(seed: int) -> Parts:
    """No name is in both parts; one that several countries have is there once, with one of them."""
    rows = []
    for locale in LOCALES:
        fake = Faker(locale)
        fake.seed_instance(seed)
        names = (f"{fake.first_name()} {fake.last_name()}" for _ in range(PER_LOCALE))
        rows += [(name, {"text": name, "label": locale}) for name in names]
    return parts(rows, seed)
