# SPDX-License-Identifier: AGPL-3.0-or-later
"""The vocabulary of the pipeline: frozen, slotted, picklable values.

Every value here crosses a process boundary (worker, warm server, ledger), so
each is made of plain scalars, tuples and other records; `pipeline.core.codec`
turns them into JSON and back. Names follow PRONOM and PREMIS 3.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from pipeline.core.signed import Signature

Scalar = str | int | float | bool | None


def now() -> str:
    """Return the present time, UTC, ISO 8601 with milliseconds and a trailing Z."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Outcome(StrEnum):
    """What became of a file. Each file has exactly one when its run is done."""

    OK = "ok"
    REVIEW = "review"  # a person must look: below the policy's threshold, or the policy says so
    INVALID = "invalid"  # its format's validator rejects it, and the policy keeps such files
    NOT_CONVERTED = "not_converted"  # no valid target could be made from a readable source
    UNIDENTIFIED = "unidentified"
    UNSUPPORTED = "unsupported"  # identified, but the policy has no rule for the format
    REJECTED = "rejected"  # the policy does not accept the format
    DAMAGED = "damaged"
    EMPTY = "empty"
    PASSWORD = "password"  # noqa: S105
    TOO_LARGE = "too_large"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    CRASH = "crash"
    TOOL_FAILURE = "tool_failure"
    UNREADABLE = "unreadable"
    VANISHED = "vanished"
    CHANGED = "changed"
    NOT_A_FILE = "not_a_file"  # socket, FIFO, device
    LINK = "link"  # symbolic link that leads out of the source or nowhere
    DISK_FULL = "disk_full"
    STORAGE = "storage"  # object storage did not answer for as long as patience lasted

    @property
    def good(self) -> bool:
        """Whether nobody needs to look at the file."""
        return self is Outcome.OK

    @property
    def transient(self) -> bool:
        """Whether the cause lies outside the file, so that the next run tries again."""
        return self in _TRANSIENT


_TRANSIENT = frozenset(
    {Outcome.DISK_FULL, Outcome.UNREADABLE, Outcome.VANISHED, Outcome.CHANGED, Outcome.STORAGE}
)


class FileKind(StrEnum):
    """What the file system says an entry is."""

    REGULAR = "regular"
    SYMLINK = "symlink"
    SPECIAL = "special"  # FIFO, socket, device
    UNREADABLE = "unreadable"  # an entry or folder that cannot be examined


class Basis(StrEnum):
    """On what an identification rests, strongest first."""

    CONTAINER = "container"
    SIGNATURE = "signature"
    TEXT = "text"
    EXTENSION = "extension"
    NONE = "none"

    @property
    def strong(self) -> bool:
        """Whether bytes of the file itself decided, not its name or a guess at text."""
        return self in (Basis.CONTAINER, Basis.SIGNATURE)


class Agreement(StrEnum):
    """How two identification engines' answers stand to each other (docs/identification.md)."""

    AGREE = "agree"
    REFINED = "refined"  # one answer is, by PRONOM's priority, more specific than the other
    NEWER = "newer"  # the signatures of one engine do not have the other's answer
    CONFLICT = "conflict"  # two answers from bytes, and nothing decides between them
    SINGLE = "single"  # only one engine answered from bytes, or only one was asked
    WEAK = "weak"  # no engine answered from bytes: extension or text decides, or nothing


class Verdict(StrEnum):
    """A validator's answer."""

    VALID = "valid"
    INVALID = "invalid"
    UNDECIDED = "undecided"  # no validator for the format, or it could not come to an answer


class Severity(StrEnum):
    """How much a message matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Action(StrEnum):
    """What the policy says shall be done with a file."""

    KEEP = "keep"
    MIGRATE = "migrate"
    REVIEW = "review"
    REJECT = "reject"


class EventType(StrEnum):
    """PREMIS event types, from the Library of Congress vocabulary `eventType`."""

    DIGEST = "message digest calculation"
    IDENTIFICATION = "format identification"
    VALIDATION = "validation"
    SIGNATURE = "digital signature validation"
    DECISION = "policy assignment"
    NORMALIZATION = "normalization"
    COMPARISON = "quality review"


@dataclass(frozen=True, slots=True)
class Agent:
    """A program that did something: PREMIS agent of type software."""

    name: str
    version: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """Something a judge or maker found.

    `code` names a text in the remedies (Swedish and English); `detail` is what
    the tool itself said, in its own words.
    """

    code: str
    severity: Severity = Severity.ERROR
    detail: str = ""


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One entry of a delivery as the scan met it.

    `raw` is the path below the source, as the bytes the file system gave; sizes
    in bytes, `mtime_ns` in nanoseconds since 1970.
    """

    raw: bytes
    kind: FileKind
    size: int = 0
    mtime_ns: int = 0
    note: str = ""  # why an entry is unreadable, or where a link leads
    inside: bool = False  # a link whose target is itself in the source


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one identification engine answered."""

    engine: str
    engine_version: str
    signatures: str
    puids: tuple[str, ...]
    basis: Basis
    note: str = ""


@dataclass(frozen=True, slots=True)
class TextFacts:
    """What kind of text a file holds, by its first and last 64 KiB.

    `encoding` is a Python codec's name; `line_ends` is LF, CRLF, CR, mixed or none.
    """

    encoding: str
    line_ends: str
    guessed: bool = False
    mark: bool = False  # begins with a byte order mark


@dataclass(frozen=True, slots=True)
class Candidate:
    """A format that an unidentified file may be, and what speaks for it."""

    puid: str
    name: str
    why: str  # signature (part of one matches), mime, extension


@dataclass(frozen=True, slots=True)
class Clues:
    """What helps a person with a file that no engine could identify.

    `first` holds the first 16 bytes; `entropy` is in bits per byte (0.0-8.0) over at most
    the first and last 64 KiB; `mime` and `description` are libmagic's. Files with the same
    `group` look alike: they are one line in the report.
    """

    mime: str
    description: str
    entropy: float
    first: bytes
    nearest: tuple[Candidate, ...]
    group: str


@dataclass(frozen=True, slots=True)
class Identification:
    """The format of a file: one answer, and the opinions that it came from."""

    puid: str | None
    basis: Basis
    engine: str
    signatures: str
    name: str = ""
    version: str = ""
    mime: str = ""
    candidates: tuple[str, ...] = ()
    extension_mismatch: bool = False
    conflict: bool = False
    opinions: tuple[Opinion, ...] = ()
    agreement: Agreement = Agreement.SINGLE
    text: TextFacts | None = None
    clues: Clues | None = None


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """One validator's verdict on one file.

    `outcome` says why a file is not valid (damaged, password, empty ...), and is
    OK for a valid one. `properties` are facts the policy can ask for (`when`) and
    the report shows. `follow_up` names validators whose judgement this file calls
    for as well, e.g. veraPDF for a file that claims to be PDF/A.
    """

    validator: str
    verdict: Verdict
    outcome: Outcome = Outcome.OK
    messages: tuple[Message, ...] = ()
    properties: Mapping[str, Scalar] = field(default_factory=dict)
    follow_up: tuple[str, ...] = ()
    agents: tuple[Agent, ...] = ()
    seconds: float = 0.0
    signatures: tuple[Signature, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policy says of a file, by which rule and why."""

    action: Action
    rule: str
    reason: str
    migrator: str = ""
    target: str = ""  # name of a target table of the policy
    keep_original: bool = True


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison of a source with what was made from it.

    `score` is 0.0-1.0 (1.0 = the same); `before` and `after` are for people.
    """

    property: str
    before: str
    after: str
    score: float
    passed: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class MigrationNote:
    """What a migrator tells of its work: the way it took, what it lost, who helped.

    `checks`: what it knows to have changed, and no judge could see.
    """

    method: str
    messages: tuple[Message, ...] = ()
    agents: tuple[Agent, ...] = ()
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class MigrationResult:
    """An output in staging: `staged` is its path below the staging folder."""

    migrator: str
    target: str
    method: str
    staged: str
    extension: str
    size: int
    sha256: str
    puid: str | None
    format_name: str = ""
    format_version: str = ""
    messages: tuple[Message, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """A picture that shows people what differs: `staged` is its path below the staging folder.

    `name` is what it is called in the file's own evidence folder, e.g. page-0003.png.
    """

    name: str
    staged: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Event:
    """A PREMIS event. `detail` in English; `outcome` is success, warning or failure.

    `subject` is what it was about: the source, or the output that was made from it.
    """

    type: EventType
    time: str
    outcome: str
    detail: str
    agents: tuple[Agent, ...] = ()
    subject: str = "source"
