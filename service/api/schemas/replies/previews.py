"""The reply of `/corpora/preview`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from charrnn.tasks.record import TaskName, Unit
from service.api.schemas.replies.common import closed
from service.training.records.format import FileFormat
from service.training.records.preview import SHOWN_CHARACTERS, SHOWN_FAULTS, SHOWN_LABELS, SHOWN_RECORDS, Preview


@closed
class PreviewRecord(TypedDict):
    """A record; of each part its first characters."""

    line: Annotated[int, Field(description="the line where it begins, from 1")]
    text: Annotated[str, Field(description=f"its first {SHOWN_CHARACTERS} characters")]
    label: Annotated[str | None, Field(description="its label, if labels are read")]
    tags: Annotated[list[str] | None, Field(description="the tags of its first tokens, if tags are read")]
    target: Annotated[str | None, Field(description="what it is to be turned into, if that is read")]


@closed
class PreviewReply(TypedDict):
    """The first records of a file. `unit`, `format` and `fields`, sent with `POST /jobs`, give the same records."""

    encoding: Annotated[str, Field(description="encoding of the file, detected or declared")]
    task: Annotated[TaskName, Field(description="the task that the records are read for")]
    unit: Annotated[Unit, Field(description="what the records are; `text`: one endless text, without records")]
    separator: Annotated[str, Field(description="what stands between two records in a plain text; empty: no records")]
    format: Annotated[FileFormat, Field(description="the file's format, given or recognized")]
    fields: Annotated[
        dict[str, str], Field(description="the names of the fields that are read; where none was given, a guess")
    ]
    columns: Annotated[list[str], Field(description="the names of all fields in the file")]
    records: Annotated[list[PreviewRecord], Field(description=f"the first records, up to {SHOWN_RECORDS}")]
    count: Annotated[int, Field(description="how many records were found")]
    labels: Annotated[
        dict[str, int],
        Field(description=f"the {SHOWN_LABELS} most frequent labels (of `tag`: tags) with their counts"),
    ]
    label_count: Annotated[int, Field(description="how many different labels were found")]
    faults: Annotated[list[str], Field(description=f"what is wrong, with the line; the first {SHOWN_FAULTS} faults")]
    fault_count: Annotated[int, Field(description="how many faults were found")]
    whole: Annotated[bool, Field(description="whether this was the whole file, and not only its beginning")]


def preview_reply(found: Preview, task: TaskName) -> PreviewReply:
    """The reply for a preview."""
    format = found.format
    return {
        "encoding": found.encoding,
        "task": task,
        "unit": format.record_unit,
        "separator": format.record_separator,
        "format": format.format or "plain",
        "fields": {} if format.fields is None else format.fields.as_dict(),
        "columns": list(found.columns),
        "records": [
            {
                "line": each.line,
                "text": each.text,
                "label": each.label,
                "tags": None if each.tags is None else list(each.tags),
                "target": each.target,
            }
            for each in found.records
        ],
        "count": found.count,
        "labels": dict(found.labels),
        "label_count": found.label_count,
        "faults": list(found.faults),
        "fault_count": found.fault_count,
        "whole": found.whole,
    }
