from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import TypeAdapter

from service.api.schemas.replies.jobs import JobsReply
from service.settings import Settings
from service.training.jobs import run_files
from service.training.jobs.event_log import EVENTS
from tests.damage import DAMAGES

TEXT = "To be, or not to be: that is the question.\n" * 10
FILES = [run_files.REQUEST, EVENTS, run_files.PROGRESS]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", FILES)
def test_a_damaged_job(client: FlaskClient, settings: Settings, admin: dict[str, str], file: str, damage: str) -> None:
    corpus: Any = client.post("/corpora", data=TEXT, content_type="text/plain", headers=admin).json
    for _ in range(2):
        client.post("/jobs", json={"corpus": corpus["id"], "model": "hamlet"}, headers=admin)
    before: Any = client.get("/jobs", headers=admin).json["jobs"][::-1]  # type: ignore[index]
    job = before[0]["id"]
    folder = settings.data_dir / "runs" / job
    (folder / run_files.PROGRESS).write_text('{"fraction": 0.5}')
    DAMAGES[damage](folder / file)
    listed = client.get("/jobs", headers=admin)
    TypeAdapter(JobsReply).validate_json(listed.data)
    sound, found = listed.json["jobs"]  # type: ignore[index]
    status = "failed" if file == run_files.REQUEST else "queued"  # without its request nobody can run it
    assert (found["id"], found["status"], found["created"][:16]) == (job, status, before[0]["created"][:16])
    assert sound == before[1]
    if file != EVENTS or damage in ("emptied", "a_folder", "dangling", "looping"):
        assert found["damaged"].startswith(f"{file} ")
    shown: Any = client.get(f"/jobs/{job}", headers=admin).json
    assert {name: shown[name] for name in found} == found
    assert client.get(f"/jobs/{job}/curves.svg", headers=admin).status_code == 200
    cancelled: Any = client.post(f"/jobs/{job}/cancel", headers=admin)
    assert (cancelled.status_code, cancelled.json["status"]) == (200, "cancelled")
    followed = client.get(f"/jobs/{job}/events", headers=admin)
    # Without an event, an EventSource would reconnect for ever.
    assert followed.status_code == 204 or re.fullmatch(r"id: (?s:.*)data: \[DONE\]\n\n", followed.text)
    assert client.delete(f"/jobs/{job}", headers=admin).status_code == 204
    assert client.get("/jobs", headers=admin).json["jobs"] == [before[1]]  # type: ignore[index]


def test_a_job_that_has_not_ended_stays(client: FlaskClient, admin: dict[str, str]) -> None:
    corpus: Any = client.post("/corpora", data=TEXT, content_type="text/plain", headers=admin).json
    job: Any = client.post("/jobs", json={"corpus": corpus["id"], "model": "hamlet"}, headers=admin).json
    refused: Any = client.delete(f"/jobs/{job['id']}", headers=admin)
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "job_unfinished")
    assert client.delete("/jobs/nothing", headers=admin).status_code == 404


def test_the_events_of_a_job_that_cannot_be_run_end_with_its_failure(
    client: FlaskClient, settings: Settings, admin: dict[str, str]
) -> None:
    corpus: Any = client.post("/corpora", data=TEXT, content_type="text/plain", headers=admin).json
    job: Any = client.post("/jobs", json={"corpus": corpus["id"], "model": "hamlet"}, headers=admin).json
    path = settings.data_dir / "runs" / job["id"] / run_files.REQUEST
    request = path.read_bytes()
    path.write_bytes(b"")
    told = client.get(f"/jobs/{job['id']}/events", headers=admin).text
    events = [json.loads(data) for data in re.findall(r"^data: ({.*)$", told, re.MULTILINE)]
    error = "the job's files are damaged: request.json is empty"
    assert events == [{"status": "queued"}, {"status": "failed", "error": error}]
    last = re.findall(r"^id: (\d+)$", told, re.MULTILINE)[-1]
    assert client.get(f"/jobs/{job['id']}/events", headers=admin | {"Last-Event-ID": last}).status_code == 204
    shown: Any = client.get(f"/jobs/{job['id']}", headers=admin).json
    assert (shown["status"], shown["error"]) == ("failed", error)
    path.write_bytes(request)
    assert client.get(f"/jobs/{job['id']}", headers=admin).json["status"] == "queued", "it was restored"  # type: ignore[index]
