"""Fields of other servers that have no meaning here: accepted with neutral values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import core_schema

from service.api.schemas.base import Body
from service.api.schemas.faults import predicate


@dataclass(frozen=True, eq=False, slots=True)  # Annotated caches by equality, and false equals 0
class OneOf:
    """A field that may have one of these JSON values, or any of a type, or null. `ours` is the field of this service
    for what other values mean, if there is one."""

    values: tuple[Any, ...] = ()
    type: str = ""
    ours: str = ""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self._check)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        kind = {"type": self.type} if self.type else _schema(self.values)
        items: dict[str, Any] = {"items": {}} if self.type == "array" else {}
        return {**kind, **items, "description": f"accepted for other servers' clients: {self._allowed}"}

    @property
    def _allowed(self) -> str:
        """The allowed values, in words."""
        if self.type:
            return f"{'an' if self.type[0] in 'aeiou' else 'a'} {self.type}, which has no effect here"
        only = "the only supported value" + ("s" if len(self.values) > 1 else "")
        return f"{' or '.join(map(json.dumps, self.values))}, {only}"

    def _check(self, value: Any) -> Any:
        if self.type and type(value) in _TYPES[self.type]:
            return value
        if not self.type and any(value == each and type(value) in _alike(each) for each in self.values):
            return value
        hint = f" ({self.ours} is the field for it)" if self.ours else ""
        raise predicate(f"must be {self._allowed}, not {json.dumps(value)[:200]}{hint}")


_TYPES: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "number": (int, float),
    "integer": (int,),
    "string": (str,),
    "array": (list,),
}


def _schema(values: tuple[Any, ...]) -> dict[str, Any]:
    """The schema of exactly these values, without an enumeration if possible, because code generators create a class
    for each enumeration."""
    first = values[0]
    if isinstance(first, bool):
        return {"type": "boolean", "const": first}
    if isinstance(first, int):
        return {"type": "integer", "minimum": min(values), "maximum": max(values)}
    if isinstance(first, str):
        return {"type": "string", "enum": list(values)} if first else {"type": "string", "maxLength": 0}
    if isinstance(first, list):
        return {"type": "array", "items": {}, "maxItems": 0}
    if not first:
        return {"type": "object", "maxProperties": 0}
    fields = {name: {"type": "string", "const": value} for name, value in first.items()}
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def _alike(value: Any) -> tuple[type, ...]:
    """The Python types that can equal this JSON value: 1.0 equals 1, but true does not."""
    return _TYPES["number"] if type(value) in _TYPES["number"] else (type(value),)


_Boolean = Annotated[Any, OneOf(type="boolean")]
_Number = Annotated[Any, OneOf(type="number")]
_Text = Annotated[Any, OneOf(type="string")]
_Integer = Annotated[Any, OneOf(type="integer")]
_False = Annotated[Any, OneOf((False,))]
_True = Annotated[Any, OneOf((True,))]
_0 = Annotated[Any, OneOf((0,))]
_1 = Annotated[Any, OneOf((1,))]
_Minus1 = Annotated[Any, OneOf((-1,))]
_NoText = Annotated[Any, OneOf(("",))]
_NoItems = Annotated[Any, OneOf(([],))]
_NoFields = Annotated[Any, OneOf(({},))]


class NeutralBody(Body):
    """Each field with the values that ask for nothing; any other is refused by the field's name. Fields of which only
    null asks for nothing need not stand here: null is no value."""

    # OpenAI
    suffix: _NoText = None
    user: _Text = None
    store: _False = None
    metadata: _NoFields = None
    service_tier: Annotated[Any, OneOf(("auto", "default"))] = None

    # vLLM's CompletionRequest: there are no special tokens, and no text ends by itself
    ignore_eos: _Boolean = None
    skip_special_tokens: _Boolean = None
    spaces_between_special_tokens: _Boolean = None
    add_special_tokens: _Boolean = None
    detokenize: _True = None
    use_beam_search: _False = None
    length_penalty: _1 = None
    early_stopping: _False = None
    stop_token_ids: _NoItems = None
    bad_words: _NoItems = None
    truncate_prompt_tokens: _Minus1 = None
    truncation_side: Annotated[Any, OneOf(("left", "right"))] = None
    priority: _0 = None
    watermarking: _False = None
    return_tokens_as_token_ids: Annotated[Any, OneOf((False,), ours="return_token_ids")] = None
    return_token_offsets: _False = None
    thinking_token_budget: _Minus1 = None
    vllm_xargs: _NoFields = None
    kv_transfer_params: _NoFields = None
    ec_transfer_params: _NoFields = None
    cache_salt: _Text = None
    session_id: _Text = None
    stream_interval: _Integer = None
    guided_decoding_backend: _Text = None
    guided_grammar: _NoText = None

    # SGLang's CompletionRequest
    no_stop_trim: _False = None
    return_hidden_states: _False = None
    custom_params: _NoFields = None

    # llama.cpp's POST /completion
    repeat_penalty: Annotated[Any, OneOf((1,), ours="repetition_penalty")] = None
    repeat_last_n: Annotated[Any, OneOf((64,))] = None
    typical_p: _1 = None
    tfs_z: _1 = None
    top_n_sigma: _Minus1 = None
    mirostat: _0 = None
    mirostat_mode: _0 = None
    mirostat_tau: _Number = None
    mirostat_eta: _Number = None
    dynatemp_range: _0 = None
    dynatemp_exponent: _Number = None
    xtc_probability: _0 = None
    xtc_threshold: _Number = None
    dry_multiplier: _0 = None
    dry_base: _Number = None
    dry_allowed_length: _Integer = None
    dry_penalty_last_n: _Integer = None
    dry_sequence_breakers: Annotated[Any, OneOf(type="array")] = None
    grammar: _NoText = None
    lora: _NoItems = None
    min_keep: _0 = None
    n_keep: _Integer = None
    n_discard: _Integer = None
    n_indent: _0 = None
    n_probs: Annotated[Any, OneOf((0,), ours="logprobs")] = None
    n_cache_reuse: _Integer = None
    cache_prompt: _Boolean = None
    id_slot: _Minus1 = None
    post_sampling_probs: _False = None
    response_fields: _NoItems = None
    return_tokens: Annotated[Any, OneOf((False,), ours="return_token_ids")] = None
    t_max_predict_ms: Annotated[Any, OneOf((0, -1))] = None
    timings_per_token: _False = None


class NeutralTextBody(Body):
    """The same for a text that is only read: there are no special tokens, and replies have each token's text anyway."""

    # vLLM's POST /tokenize
    add_special_tokens: _Boolean = None
    return_token_strs: _Boolean = None

    # llama.cpp's POST /tokenize
    add_special: _Boolean = None
    parse_special: _Boolean = None
