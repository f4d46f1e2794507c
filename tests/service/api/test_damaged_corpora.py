from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import TypeAdapter

from service.api.schemas.replies.corpora import CorporaReply
from service.settings import Settings
from tests.damage import DAMAGES

TEXT = "To be, or not to be: that is the question.\n" * 10


@pytest.mark.parametrize("damage", [*DAMAGES, "missing"])
def test_a_damaged_corpus(client: FlaskClient, settings: Settings, admin: dict[str, str], damage: str) -> None:
    def upload() -> Any:
        return client.post("/corpora", data={"file": (BytesIO(TEXT.encode()), "hamlet.txt")}, headers=admin)

    corpus = upload().json
    other: Any = client.post("/corpora", data="Another text.", content_type="text/plain", headers=admin).json
    record = settings.data_dir / "corpora" / corpus["id"] / "corpus.json"
    DAMAGES[damage](record) if damage != "missing" else record.unlink()
    listed = client.get("/corpora", headers=admin)
    TypeAdapter(CorporaReply).validate_json(listed.data)
    sound, damaged = listed.json["corpora"]  # type: ignore[index]
    assert (sound, damaged["id"]) == (other, corpus["id"])
    assert damaged["damaged"].startswith("corpus.json ")
    assert client.get(f"/corpora/{corpus['id']}", headers=admin).json == damaged
    refused: Any = client.post("/jobs", json={"corpus": corpus["id"], "model": "hamlet"}, headers=admin)
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "corpus_damaged")
    again = upload()
    assert (again.status_code, again.json["id"]) == (201, corpus["id"])
    assert len(client.get("/corpora", headers=admin).json["corpora"]) == 2  # type: ignore[index]
    DAMAGES[damage](record) if damage != "missing" else record.unlink()
    assert client.delete(f"/corpora/{corpus['id']}", headers=admin).status_code == 204
    assert client.get(f"/corpora/{corpus['id']}", headers=admin).status_code == 404
    assert client.get("/corpora", headers=admin).json["corpora"] == [other]  # type: ignore[index]
