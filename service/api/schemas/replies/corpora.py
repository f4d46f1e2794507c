"""The replies of `/corpora`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated

from pydantic import Field
from typing_extensions import TypeAliasType, TypedDict

from service.api.schemas.replies.common import Paged, closed
from service.api.schemas.replies.jobs import JobReply
from service.training.corpora.corpus import Corpus
from service.training.corpora.store import CorpusStore
from service.training.errors import CorpusDamagedError


@dataclass(frozen=True, slots=True)
class NewCorpus(Corpus):
    """An uploaded corpus, and the job that was started."""

    job: Annotated[JobReply | None, Field(description="only with `model`")] = None


def new_corpus(corpus: Corpus, job: JobReply | None) -> NewCorpus:
    """The reply for an uploaded corpus, with the job that was started, if any."""
    return NewCorpus(**asdict(corpus), job=job)


@closed
class DamagedCorpus(TypedDict):
    """A corpus that cannot be used until the same text is uploaded again; it can be deleted."""

    id: str
    damaged: Annotated[str, Field(description="what is wrong with its files")]


AnyCorpus = TypeAliasType(
    "AnyCorpus", Annotated[Corpus | DamagedCorpus, Field(title="AnyCorpus", description="A corpus, intact or damaged.")]
)


def any_corpus(corpora: CorpusStore, id: str) -> Corpus | DamagedCorpus:
    """A corpus, intact or damaged. Raises CorpusNotFoundError."""
    try:
        return corpora.get(id)
    except CorpusDamagedError as error:
        return {"id": id, "damaged": error.reason}


@closed
class CorporaReply(Paged):
    """A page of the corpora, the newest first."""

    corpora: list[Corpus | DamagedCorpus]
