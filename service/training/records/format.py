"""How a corpus is divided in records: the parameters of a request, valid before any file is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any, Final, Literal, get_args

from charrnn.parameters import Parameter, check
from charrnn.tasks.arrangement import TASK_OF
from charrnn.tasks.record import MAX_SEPARATOR, SEPARATORS, TaskName, Unit

FileFormat = Literal["plain", "jsonl", "csv", "tsv"]
FILE_FORMATS: Final[tuple[FileFormat, ...]] = get_args(FileFormat)
WITH_FIELDS: Final[tuple[FileFormat, ...]] = ("jsonl", "csv", "tsv")

MAX_FIELD_NAME: Final = 200
"""In characters."""


@dataclass(frozen=True, slots=True)
class Fields:
    """The names that fields have in a file; those left open are called text, label, tags and target there. Raises
    ValueError."""

    text: Annotated[str | None, Parameter("name of the field with a record's text (default `text`)")] = None
    label: Annotated[str | None, Parameter("name of the field with its label")] = None
    tags: Annotated[str | None, Parameter("name of the field with a tag for each token")] = None
    target: Annotated[str | None, Parameter("name of the field with what it is to be turned into")] = None

    def __post_init__(self) -> None:
        check(self, "fields.")
        for name, value in self.as_dict().items():
            if not (isinstance(value, str) and 0 < len(value) <= MAX_FIELD_NAME):
                shown = repr(value)[:60]
                raise ValueError(f"fields.{name} must be a name of 1 to {MAX_FIELD_NAME} characters, not {shown}")

    def as_dict(self) -> dict[str, str]:
        """The names that are given."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class RecordFormat:
    """What the records of a corpus are, and how its file says so; what is None is decided from the file
    (`service.training.records.resolution.resolved`).

    A job's request and its body take these fields, `unit` to `skip_bad_rows`, each under its own name: `choices` and
    `takes` derive them, `from_dict` makes a RecordFormat of them. Raises ValueError, naming the field, the bound and
    the value.
    """

    unit: Annotated[
        Unit | None,
        Parameter(
            "what the records of the corpus are: `text` (one endless text, the default of a plain text), `line`,"
            " `paragraph` (blank lines between), or `separator`"
        ),
    ] = None
    separator: Annotated[
        str | None, Parameter(f"text between two records, up to {MAX_SEPARATOR} characters; given, it is the unit")
    ] = None
    format: Annotated[
        FileFormat | None,
        Parameter("`plain` text, or rows with named fields: `jsonl`, `csv` or `tsv`; recognized if they are needed"),
    ] = None
    fields: Annotated[Fields | None, Parameter("names of the fields in the file")] = None
    skip_bad_rows: Annotated[float, Parameter("share of rows that may be passed over as faulty", ge=0, le=1)] = 0.0

    def __post_init__(self) -> None:
        check(self)
        if self.separator is not None:
            _check_separator(self.separator, self.unit)
        elif self.unit == "separator":
            raise ValueError(f"separator must be a text of 1 to {MAX_SEPARATOR} characters for this unit, not None")
        if self.unit == "text" and self.has_fields:
            named = f"format {self.format}" if self.format else "a file with fields"
            raise ValueError(f"unit must be line, paragraph or separator for {named}, not 'text'")
        if self.fields is not None and self.format == "plain":
            raise ValueError("fields must be left out for format plain, which has no fields")

    @property
    def has_fields(self) -> bool:
        """Whether the file has named fields, as far as is known."""
        return self.format in WITH_FIELDS or (self.format is None and self.fields is not None)

    @property
    def record_unit(self) -> Unit:
        """The unit: the given one, that of a given separator, a line for files with fields; `text` otherwise."""
        if self.unit is not None:
            return self.unit
        if self.separator is not None:
            return "separator"
        return "line" if self.has_fields else "text"

    @property
    def record_separator(self) -> str:
        """What stands between two records in a plain text; empty for the unit `text`."""
        return self.separator or SEPARATORS.get(self.record_unit, "")

    @property
    def forbidden(self) -> str:
        """What no record may contain: the separator of a unit that was asked for, if any was."""
        return self.record_separator if self.unit is not None or self.separator is not None else ""

    def check_task(self, task: TaskName) -> None:
        """Raises ValueError if a file of this format cannot be learned from in this way."""
        if self.unit == "text" and not TASK_OF[task].writes_text:
            raise ValueError(f"unit must be line, paragraph or separator for task {task}, not 'text'")
        if self.format == "plain" and TASK_OF[task].needs:
            raise ValueError(f"format must be jsonl, csv or tsv for task {task}, not 'plain', which has texts alone")

    def as_dict(self) -> dict[str, Any]:
        """What is given, as plain JSON; `from_dict` is its inverse."""
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        named = None if self.fields is None else self.fields.as_dict()
        return {name: value for name, value in {**given, "fields": named}.items() if value is not None}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RecordFormat:
        """Those of the values that are fields of this class; None is as good as none. Raises ValueError."""
        given = {each.name: values[each.name] for each in fields(cls) if values.get(each.name) is not None}
        if (named := given.get("fields")) is not None and not isinstance(named, Fields):
            if not isinstance(named, Mapping):
                raise ValueError(f"fields must be an object with names of fields, not {named!r:.60}")
            if unknown := named.keys() - {each.name for each in fields(Fields)}:
                raise ValueError(f"fields must name text, label, tags or target, not {min(map(str, unknown))[:60]!r}")
            given["fields"] = Fields(**named)
        return cls(**given)


def _check_separator(separator: str, unit: Unit | None) -> None:
    if not (isinstance(separator, str) and 0 < len(separator) <= MAX_SEPARATOR and "\0" not in separator):
        shown = repr(separator)[:60]
        raise ValueError(f"separator must be a text of 1 to {MAX_SEPARATOR} characters without NUL, not {shown}")
    if unit not in (None, "separator"):
        raise ValueError(f"separator must be left out for unit {unit}, not {separator[:60]!r}")
