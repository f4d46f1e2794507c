"""What the answers of an S3 server mean: whether the same request may succeed later, and what to tell the operator."""

from __future__ import annotations

import re
from typing import Final

from obstore.exceptions import AlreadyExistsError, BaseError, NotModifiedError, PreconditionError

VERDICTS: Final = (AlreadyExistsError, PreconditionError, NotModifiedError)
"""The server has looked at the object and refuses for its sake; nothing is wrong."""

REPEATED: Final = {408, 409, 425, 429, 500, 502, 503, 504}
"""The statuses after which the same request may succeed; 409 is for a conditional write that met another."""

METADATA_SERVICE: Final = "169.254.169.254"
"""Who is asked for a machine's own credentials where no others are given."""

REASONS: Final = {
    "NoSuchBucket": "there is no such bucket",
    "InvalidBucketName": "there can be no bucket of this name",
    "AccessDenied": "the credentials have no right to",
    "InvalidAccessKeyId": "the server does not know this access key (AWS_ACCESS_KEY_ID)",
    "SignatureDoesNotMatch": "the secret key (AWS_SECRET_ACCESS_KEY) is not that of the access key",
    "RequestTimeTooSkewed": "the clock of this machine is wrong",
    "ExpiredToken": "the session token (AWS_SESSION_TOKEN) has expired",
    "PermanentRedirect": "the bucket is in another region (AWS_REGION)",
    "AuthorizationHeaderMalformed": "the bucket is in another region (AWS_REGION)",
    "NotImplemented": "the server does not know conditional writes, which the service relies on",
}


def status_of(error: Exception) -> int:
    """The HTTP status of the answer; 0 if there was none."""
    found = re.search(r"status code: (\d{3})", str(error))
    return int(found[1]) if found else 0


def code_of(error: Exception) -> str:
    """S3's name of the error; empty if the answer has none."""
    found = re.search(r"<Code>(\w+)</Code>", str(error))
    return found[1] if found else ""


def is_missing(error: Exception) -> bool:
    """Whether there is no such object, or no such bucket: an answer without a body does not say which."""
    return isinstance(error, FileNotFoundError) and code_of(error) != "NoSuchBucket"


def may_pass(error: Exception) -> bool:
    """Whether the same request may succeed if it is repeated at once."""
    if isinstance(error, FileNotFoundError) or METADATA_SERVICE in str(error):
        return False
    return (
        status_of(error) in REPEATED or code_of(error) == "RequestTimeout" or not (status_of(error) or _unsent(error))
    )


def reason_of(error: Exception) -> str:
    """The error in a few words, without addresses and keys."""
    text = str(error)
    if METADATA_SERVICE in text:
        return "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role"
    status, code = status_of(error), code_of(error)
    if status == 403 and not code:
        code = "AccessDenied"
    if status:
        return f"{REASONS.get(code) or 'the server answers'} ({status}{f' {code}' if code else ''})"
    return f"it does not answer: {_cause(text)}"


def _unsent(error: Exception) -> bool:
    return "builder error" in str(error) or not isinstance(error, BaseError)


def _cause(text: str) -> str:
    if "TimedOut" in text or "timed out" in text:
        return "no answer in time"
    found = re.findall(r'message: "([^"\\]+)"', text) or re.findall(r"HTTP error: ([^\n]+)", text)
    return found[-1].lower() if found else text.partition("\n")[0][:200]
