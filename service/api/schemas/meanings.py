"""The meanings of the fields of replies, by name, once for all schemas with such a field; a field with a meaning of its
own has it in its declaration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from charrnn.config import ModelConfig
from charrnn.parameters import parameters

MEANINGS: Final[Mapping[str, str]] = {
    "ErrorBody.type": "`invalid_request_error` where the request is at fault, `server_error` where the service is",
    "ErrorBody.code": "the kind of error, for programs",
    "ErrorBody.message": "what is wrong, in a sentence that names the field, the bound and the value",
    "ErrorBody.param": "the field at fault, if it is one",
    "ErrorReply.error": "what is wrong",
    "AliasChange.version": "the version that the alias pointed to from then on",
    "AliasChange.reason": "why the alias was changed",
    "AliasChange.rolled_back": "whether this was a return to an earlier version",
    "AliasChange.deleted": "whether the alias was deleted",
    "AliasChange.rebuilt": "whether the alias file was damaged and rebuilt; earlier history may be lost",
    "bytes": "size in bytes; of a text: in UTF-8",
    "CellsReply.cells": "the cells that follow something, those furthest above chance first",
    "ScoredText.bits": "negative log2 probability of the text, without the first token of an endless text",
    "ScoredText.tokens": "number of tokens; the end of a record is one",
    "ScoredText.bits_per_character": "bits per character; a record's end counts as one; null if nothing is scored",
    "SurprisingText.bits": "negative log2 probability of the span",
    "SurprisingText.text": "the span; empty for the end of a record",
    "percentile": "share of the version's held-out records, or lines, that it finds likelier per character, 0 to 1; "
    "null where this was not measured",
    "surprising": "up to 3 spans that stand out, in the order of the text",
    "results": "one for each text, in their order",
    "start": "where it begins, in characters from 0",
    "end": "where it ends: the character after its last",
    "CompletionLogprobs.tokens": "the text of each token",
    "CompletionLogprobs.top_logprobs": "the most likely tokens at each position with their log probabilities",
    "CompletionReply.id": "id of the request, also in the log",
    "FoundCell.score": "how well the cell follows it, as `measure` says",
    "GenerateEnd.text": "empty: all text has been sent",
    "GenerateSkipped.text": "empty: all text has been sent",
    "JobReply.id": "id of the job",
    "JobReply.status": "state of the job",
    "JobReply.model": "the model that the new version belongs to",
    "JobReply.corpus": "id of the corpus that it trains on",
    "JobProgress.step": "training steps so far",
    "JobMeasurement.step": "training steps by then",
    "JobMeasurement.validation_loss": "latest held-out loss, in nats per token",
    "JobProgress.validation_loss": "latest held-out loss, in nats per token",
    "JobStatusEvent.status": "the job's new state",
    "error": "why the job failed",
    "JobDetailReply.samples": "the samples generated so far",
    "has_more": "whether there are older ones, on the next page",
    "last_id": "the value of `after` that asks for the next page; null if this one is empty",
    "KeyReply.role": "what the key permits; null: no key was sent",
    "MissingCell.score": "how well the best cell follows it",
    "ModelReply.versions": "the versions, each with its record",
    "ModelSummary.versions": "the version numbers",
    "ModelsReply.models": "all models",
    "ReadyReply.degraded": "what is degraded, one sentence each",
    "TopLogprob.token": "text of one of the most likely tokens",
    "LikelyToken.token": "the token; empty for the end of a record; of a model that writes labels: a label",
    "ChoiceTrace.top": "the most likely next tokens, best first; of a model that writes labels: the token's labels",
    "TraceReply.top": "the most likely next tokens, best first; of a model that writes labels: the token's labels",
    "TraceReply.cells": "the states of the requested cells",
    "ChoiceTrace.cells": "the states of the requested cells",
    "VersionSummary.aliases": "the aliases that point to this version",
    "VersionReply.aliases": "the aliases that point to this version",
    "Sample.text": "how the network continued the prompt",
    "Sample.seed": "seed of the sample, the same each time",
    "GradientNorms.characters": "training characters read by then",
    "MeasuredOn.characters": "length of the text",
    "RecordLine.index": "number of the record in this reply, from 0",
    "RecordLine.finish_reason": "only for a record that was cut off: `length` was reached before its end",
    "RecordsEnd.count": "number of records",
    "RecordsEnd.seconds": "time taken, in seconds",
    "RecordsEnd.seed": "seed of the first candidate; candidate j has seed + j",
    "JobMeasurement.characters": "training characters read by then",
    "JobProgress.characters": "training characters read so far",
    "JobSamples.characters": "training characters read by then",
    "aliases": "each alias with the version that it points to",
    "bits_per_character": "mean negative log2 probability per character",
    "cached": "whether all of the text came from the cache",
    "cancel_requested": "whether cancellation has been requested",
    "chance": "the best score of any cell when the labels are shifted along the text",
    "character": "the character",
    "characters": "length of the text in characters",
    "characters_per_second": "training speed",
    "choices": "the generated texts",
    "config": "the network's architecture",
    "corpora": "all corpora, oldest first",
    "corpus": "id of a corpus",
    "count": "number of ids",
    "created": "creation time (UTC)",
    "data": "all models that can be requested by name",
    "digest": "SHA-256 of the weights and the vocabulary",
    "done": "this is the last line",
    "encoding": "the encoding that the upload was decoded from",
    "finish_reason": "why the text ended: `length` was reached, a `stop` string was generated, or a record came to its"
    " `end`; null: not yet",
    "finished": "when the job ended (UTC)",
    "follows": "what the cell follows, in words",
    "exhausted": "whether there are fewer than asked for, because 50 candidates in a row were refused",
    "fraction": "share of the training that is done, 0 to 1",
    "gradient_norm": "gradient norm of the latest step, before clipping",
    "gradient_norms": "by layer and k: norm of the gradient of a character's loss at the state k steps before it",
    "held_out": "whether this text is known to have been held out from training",
    "history": "the latest versions that each alias pointed to, at most 100, oldest first",
    "alias": "name of the alias",
    "changes": "the versions that the alias pointed to, newest first",
    "id": "unique id",
    "ids": "token ids",
    "index": "number of the choice, from 0",
    "jobs": "all jobs, oldest first",
    "label": "the likeliest label",
    "layer": "counted from 0",
    "learning_rate": "learning rate of the latest step",
    "line_ends": "the line endings of the upload",
    "lines": "number of lines",
    "logprob": "log probability (natural logarithm); null for the first token, which nothing precedes",
    "logprobs": "log probabilities (natural logarithm); null if not requested, or for the first token of a text",
    "loss": "training loss, in nats per token",
    "measure": "the kind of score: area under the ROC curve, or correlation",
    "measured": "the measurements, earliest first",
    "measured_on": "the text that the search ran on",
    "metrics": "the measurements so far, in order of steps",
    "missing": "bodies for `POST /jobs` that train the missing versions",
    "model": "the model's name",
    "name": "name",
    "newlines": "whether line endings were converted to LF or kept",
    "norms": "gradient norms by layer, then by steps back",
    "not_found": "what no cell follows clearly better than chance would",
    "object": "OpenAI's name for this type of object",
    "output_size": "rows of the output layer; 0: as many as the vocabulary",
    "owned_by": "a constant; OpenAI's clients expect it",
    "part": "`hidden`: the layer's output; `cell`: an LSTM's internal memory",
    "perplexity": "e to the power of the mean negative log probability per token",
    "position": "its index in the text, in characters from 0",
    "preview": "the first lines with non-ASCII characters, or simply the first lines",
    "probability": "probability, 0 to 1",
    "progress": "progress of the training",
    "promoted": "whether `current` was moved to the new version",
    "prompt": "the text that is continued",
    "published": "publication time (UTC)",
    "reason": "the reason",
    "record": "what was recorded during training",
    "request": "the job as requested",
    "same_text": "whether all were trained on the same text",
    "samples": "samples from the same prompts with the same seeds",
    "seconds": "time spent so far, in seconds; with a budget in minutes, including preparation",
    "seconds_left": "estimated training time left, in seconds",
    "seed": "seed of the random stream, which reproduces this text",
    "sha256": "SHA-256 of the stored text",
    "share": "share of the text for which the label holds, 0 to 1",
    "slug": "its name in URLs",
    "started": "when a worker started the job (UTC)",
    "status": "current state",
    "step": "training steps by then",
    "steps": "total number of training steps, once known",
    "surprisal": "surprisal of each token in bits; null for the first of an endless text, which nothing precedes, and"
    " where tokens are only read",
    "system_fingerprint": "the model version: with the same one, a seed gives the same text",
    "temperature": "sampling temperature",
    "text": "the text",
    "text_offset": "start of each token, in characters from the start of the choice's text",
    "time": "time of the change (UTC)",
    "timing": "time taken",
    "token": "the token's text",
    "token_logprobs": "log probability of each token; null for the first token of a text, which nothing precedes",
    "tokens": "the text of each token",
    "told": "the result in words",
    "top": "the most likely tokens, best first",
    "total": "seconds spent in the service",
    "tried": "number of candidates, refused ones included",
    "undecided": "what the text does not tell: there is too little of it, or too little text",
    "unit": "counted from 0; omitted: all units of the layer",
    "usage": "token counts",
    "validation_step": "the step at which the held-out loss was measured",
    "values": "the state after reading each token",
    "spans": "neighbouring tokens with the same tag",
    "tag": "the tag of all of its tokens",
    "tags": "the tag of each token, in order; null for one that was skipped",
    "task": "what the model does with a text",
    "VersionSummary.unit": "what its records are; `text`: there are none, it continues one endless text",
    "version": "the number of the version",
    "versions": "the versions that are compared",
    "warnings": "warnings about the result, one sentence each",
    "PromptTokensDetails.cached_tokens": "tokens of the prompt that had been read for earlier requests",
    "prompt_tokens": "tokens in the prompt",
    "completion_tokens": "tokens generated",
    "total_tokens": "sum of both",
}
"""`Schema.field`, or `field` for all schemas without an entry of their own."""

_SIZES: Final = {name: each.parameter for name, each in parameters(ModelConfig).items()}
"""The sizes of a network have the same meaning everywhere."""


def explained(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """The schemas, by name, with a description added to each property that has none. Raises KeyError for a property
    without a meaning."""
    return {name: _explained(name, schema) for name, schema in schemas.items()}


def _explained(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    if "properties" not in schema:
        return dict(schema)
    explained = {
        field: {**value, "description": _meaning(name, field, value)} for field, value in schema["properties"].items()
    }
    return {**schema, "properties": explained}


def _meaning(schema: str, field: str, value: Mapping[str, Any]) -> str:
    own: str | None = value.get("description")
    meaning = own or MEANINGS.get(f"{schema}.{field}") or MEANINGS.get(field)
    if meaning is None and field not in _SIZES:
        raise KeyError(f"{schema}.{field} has no meaning: add it to service/api/schemas/meanings.py")
    return meaning or _SIZES[field].description
