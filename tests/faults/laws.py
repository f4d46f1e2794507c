"""The laws that hold after every fault: each function says what breaks one, in sentences."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator
from typing import Any, Final

from service.client import Client
from service.data_dir import DataDir
from service.training.corpora.store import CorpusStore
from tests.faults.fault import Fault
from tests.faults.memory import Failure, Memory
from tests.faults.site import WEB_PROCESSES, Site
from tests.faults.training import IMPORTED, TRAINED
from tests.waiting import LONGEST

AGAIN_SECONDS: Final = 20.0
"""Within so many seconds it must generate again in `make faults`; the table says how long it took."""
LEFT_SECONDS: Final = LONGEST
"""How long a process whose supervisor was killed may take to end."""
CONTRACT: Final = (429, 503)
"""The statuses with which the service may refuse what it cannot do now."""
DAMAGING: Final = ("files", "disk")
"""The groups of faults that damage files, or keep them from being read."""
CUT_OFF: Final = ("not_reached", "connection_lost", "timeout", "server_ending", "shutting_down")
"""The codes of requests whose process ended."""


def nothing_is_lost_or_doubled(client: Client, memory: Memory, corpus: str) -> Iterator[str]:
    """Of corpora, jobs, versions and aliases."""
    corpora = [each for each in client.corpora() if each["id"] != corpus]
    yield from memory.corpora.faults("corpus", [each["id"] for each in corpora])
    jobs = [each for each in client.jobs() if str(each["model"]).startswith(TRAINED)]
    yield from memory.jobs.faults("the job of", [str(each["model"]) for each in jobs])
    for job in jobs:
        if (acknowledged := memory.jobs.fact(str(job["model"]))) not in (None, job["id"]):
            yield f"the job {acknowledged} was acknowledged, and is now {job['id']}"
    models = {each["name"]: each for each in client.models()}
    yield from _imported(client, memory, models)
    for name, model in models.items():
        if name.startswith(TRAINED) and model["versions"] != [1]:
            yield f"one job has published the versions {model['versions']} of {name}"


def _imported(client: Client, memory: Memory, models: dict[str, Any]) -> Iterator[str]:
    if IMPORTED not in models:
        if memory.versions.those("there"):
            yield f"the model {IMPORTED} is lost"
        return
    model = client.model(IMPORTED)
    yield from memory.versions.faults("version", [each["digest"] for each in model["versions"]])
    for each in model["versions"]:
        if memory.versions.fact(each["digest"]) not in (None, each["version"]):
            yield f"version {memory.versions.fact(each['digest'])} of {IMPORTED} has become {each['version']}"
    for alias, possible in memory.aliases.items():
        if (found := model["aliases"].get(alias)) not in possible:
            yield f"{IMPORTED}@{alias} is {found}, not one of {possible}"


def nothing_half_written_is_visible(client: Client, site: Site) -> Iterator[str]:
    """Whatever is listed is whole, and has the content that its digest says."""
    for kind, each in [
        *(("corpus", each) for each in client.corpora()),
        *(("job", each) for each in client.jobs()),
        *(("model", each) for each in client.models()),
    ]:
        if each.get("damaged"):
            yield f"{kind} {each.get('id') or each.get('name')}: {each['damaged']}"
    store = CorpusStore(DataDir(site.data_dir).corpora)
    for corpus in store.list():
        if hashlib.sha256(store.path(corpus).read_bytes()).hexdigest() != corpus.sha256:
            yield f"corpus {corpus.id} has another content than its digest says"


def no_job_failed(client: Client) -> Iterator[str]:
    """A job outlasts whatever happens to its worker, its queue and its disk."""
    for job in client.jobs():
        if job["status"] in ("failed", "cancelled"):
            yield f"job {job['id']} of {job['model']} {job['status']}: {job['error']}"


def failures_are_of_the_contract(fault: Fault[Any], failures: list[Failure], begin: float, end: float) -> Iterator[str]:
    """Refused with a status that says why, or a connection of a process that ended. Those alike are one sentence."""
    alike: dict[tuple[str, int, str], list[Failure]] = {}
    for each in failures:
        during = each.began <= end and each.ended >= begin
        cut = during and fault.breaks and each.code in CUT_OFF and each.status in (0, 200, 503)
        refused = during and each.status in CONTRACT and (each.status == 429 or each.kind in fault.refuses)
        if not cut and not refused:
            alike.setdefault((each.kind, each.status, each.code), []).append(each)
    for (kind, status, code), found in alike.items():
        moment = f"{found[0].began - begin:+.1f} to {found[0].ended - begin:+.1f} s from its beginning"
        yield f"{len(found)} times {kind} failed with {status} {code}, the first {moment}: {found[0].message}"


def it_generates_again(again: float | None, within: float) -> Iterator[str]:
    """Soon after the end of the fault."""
    if again is None or again > within:
        yield f"it generates again only after {'ever' if again is None else f'{again:.1f} s'}"


def is_said(fault: Fault[Any], said: list[str]) -> bool:
    """Whether one of these sentences names it, if it must be named."""
    return not fault.degraded or any(re.search(fault.degraded, each) for each in said)


def it_says_what_is_degraded(fault: Fault[Any], said: list[str], clear: float | None, last: list[str]) -> Iterator[str]:
    """While it is, and nothing afterwards."""
    if not is_said(fault, said):
        yield f"/readyz did not say {fault.degraded!r}, but {said}"
    if clear is None:
        yield f"/readyz still says {last}"
    for sentence in said:
        if fault.group not in DAMAGING and re.match(r"(model|corpus|job) ", sentence):
            yield f"/readyz called something damaged: {sentence}"
        if re.search(r"/\w+/|\bpid\b|process \d", sentence) or ": " not in sentence:
            yield f"/readyz says more than it may, or not in its format: {sentence}"


def every_process_is_there_once(site: Site) -> Iterator[str]:
    """None is missing, and of those that were there before none is left, once it has had the time to end."""
    expected = {"web": WEB_PROCESSES, "master": 1, "worker": 1, "redis": int(site.embedded)}
    deadline = time.monotonic() + LEFT_SECONDS
    while (found := site.counts()) != expected and time.monotonic() < deadline:
        time.sleep(0.5)
    if found != expected:
        yield f"the processes are {found}, not {expected}"
