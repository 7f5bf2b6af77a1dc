-- What is known of each file of a delivery. Paths are bytes, as the file system gave them
-- (`raw`), and text for people (`path`). Times are ISO 8601, UTC. Lists and maps are JSON.
-- A file's `generation` counts how often it was processed anew (changed source, changed
-- policy, retry); rows of earlier generations stay.

CREATE TABLE ledger (
    version  INTEGER NOT NULL,
    source   BLOB    NOT NULL,
    delivery TEXT    NOT NULL,
    producer TEXT    NOT NULL
) STRICT;

CREATE TABLE runs (
    id            INTEGER PRIMARY KEY,
    started       TEXT NOT NULL,
    ended         TEXT,
    status        TEXT NOT NULL,              -- running, done, interrupted, stopped
    policy_name   TEXT NOT NULL,
    policy_sha256 TEXT NOT NULL,
    policy        TEXT NOT NULL,              -- the policy file itself
    settings      TEXT NOT NULL,
    workers       INTEGER NOT NULL,
    surveyed      INTEGER NOT NULL DEFAULT 0, -- files that this run read and identified
    processed     INTEGER NOT NULL DEFAULT 0, -- files that this run brought to an outcome
    machine       TEXT NOT NULL
) STRICT;

CREATE TABLE agents (
    id      INTEGER PRIMARY KEY,
    name    TEXT NOT NULL,
    version TEXT NOT NULL,
    note    TEXT NOT NULL,
    UNIQUE (name, version, note)
) STRICT;

CREATE TABLE files (
    id         INTEGER PRIMARY KEY,
    raw        BLOB    NOT NULL UNIQUE,
    path       TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    size       INTEGER NOT NULL,
    mtime_ns   INTEGER NOT NULL,
    generation INTEGER NOT NULL DEFAULT 1,
    state      TEXT    NOT NULL,              -- new, surveyed, done
    sha256     TEXT,
    sha512     TEXT,
    puid       TEXT,
    outcome    TEXT,
    code       TEXT,                          -- what the outcome rests on: a text of the reports
    detail     TEXT,
    same_as    INTEGER REFERENCES files (id), -- the file of the same content that was worked on
    seen_run   INTEGER NOT NULL REFERENCES runs (id),
    done_run   INTEGER REFERENCES runs (id),
    seconds    REAL    NOT NULL DEFAULT 0,
    peak_memory INTEGER NOT NULL DEFAULT 0    -- bytes, of the children that worked on it
) STRICT;
CREATE INDEX files_state ON files (state, id);
-- Counts and sums come out of these alone: the table itself is twenty times as long.
CREATE INDEX files_outcome ON files (outcome, code, puid, size);
CREATE INDEX files_seen ON files (seen_run);
-- Whose work can stand for a new file of the same content; copies are left out, so that the
-- thousandth copy of a logotype costs no more than the second.
CREATE INDEX files_done ON files (sha256, puid)
    WHERE state = 'done' AND same_as IS NULL AND sha256 IS NOT NULL;
CREATE INDEX files_content ON files (sha256, puid, size) WHERE sha256 IS NOT NULL;

-- Long texts that are the same for many files, once each: without it half of a ledger of a
-- million files would be the names and digests of the engines' signature files.
CREATE TABLE shared_texts (
    id     INTEGER PRIMARY KEY,
    kind   TEXT NOT NULL,                     -- opinions, or identification
    digest BLOB NOT NULL UNIQUE,              -- SHA-256 of the text
    text   TEXT NOT NULL
) STRICT;

CREATE TABLE identifications (
    file       INTEGER NOT NULL REFERENCES files (id),
    generation INTEGER NOT NULL,
    puid       TEXT,
    name       TEXT NOT NULL,
    version    TEXT NOT NULL,
    mime       TEXT NOT NULL,
    basis      TEXT NOT NULL,
    engine     TEXT NOT NULL,
    signatures TEXT NOT NULL,
    mismatch   INTEGER NOT NULL,
    conflict   INTEGER NOT NULL,
    candidates TEXT NOT NULL,
    opinions   INTEGER NOT NULL REFERENCES shared_texts (id), -- [{"engine", "version", "puids", ...}]
    agreement  TEXT NOT NULL,                 -- how the engines' answers stand to each other
    encoding   TEXT NOT NULL,                 -- of a text file, like its line ends; else ''
    line_ends  TEXT NOT NULL,
    clue_group TEXT NOT NULL,                 -- the same for unknown files that look alike; else ''
    clues      TEXT,                          -- what is known of an unknown file; bytes are hex
    record     INTEGER NOT NULL REFERENCES shared_texts (id), -- the whole, as the code keeps it
    PRIMARY KEY (file, generation)
) STRICT;
CREATE INDEX identifications_conflict ON identifications (file) WHERE conflict = 1;
CREATE INDEX identifications_unknown ON identifications (clue_group) WHERE clue_group <> '';

CREATE TABLE validations (
    id         INTEGER PRIMARY KEY,
    file       INTEGER NOT NULL REFERENCES files (id),
    generation INTEGER NOT NULL,
    subject    TEXT NOT NULL,                 -- source, or target for an output
    validator  TEXT NOT NULL,
    verdict    TEXT NOT NULL,
    outcome    TEXT NOT NULL,
    messages   TEXT NOT NULL,                 -- [{"code", "severity", "detail"}]
    properties TEXT NOT NULL,
    seconds    REAL NOT NULL,
    UNIQUE (file, generation, subject, validator)
) STRICT;

CREATE TABLE signatures (
    id               INTEGER PRIMARY KEY,
    file             INTEGER NOT NULL REFERENCES files (id),
    generation       INTEGER NOT NULL,
    number           INTEGER NOT NULL,        -- from 1, in the order that the form names them
    field            TEXT NOT NULL,
    kind             TEXT NOT NULL,           -- signature, or timestamp
    status           TEXT NOT NULL,           -- valid, intact_untrusted, altered, ...
    reason           TEXT NOT NULL,
    signer           TEXT NOT NULL,
    issuer           TEXT NOT NULL,
    serial           TEXT NOT NULL,           -- of the certificate, hexadecimal
    time             TEXT NOT NULL,           -- '' where none is told
    time_source      TEXT NOT NULL,           -- timestamp, timestamp_untrusted, claimed, none
    subfilter        TEXT NOT NULL,
    digest_algorithm TEXT NOT NULL,
    algorithm        TEXT NOT NULL,
    intact           INTEGER,                 -- the digest holds; NULL: not known
    holds            INTEGER,                 -- the signature fits the signer's key
    trust            TEXT NOT NULL,           -- of the chain: trusted, expired, untrusted, ...
    coverage         TEXT NOT NULL,           -- file, revision, unclear, unknown
    changes          TEXT NOT NULL,           -- what was changed since
    certification    TEXT NOT NULL,           -- what the author permits (DocMDP)
    UNIQUE (file, generation, number)
) STRICT;

CREATE TABLE decisions (
    file          INTEGER NOT NULL REFERENCES files (id),
    generation    INTEGER NOT NULL,
    action        TEXT NOT NULL,
    rule          TEXT NOT NULL,
    reason        TEXT NOT NULL,
    migrator      TEXT NOT NULL,
    target        TEXT NOT NULL,
    keep_original INTEGER NOT NULL,
    policy_sha256 TEXT NOT NULL,
    PRIMARY KEY (file, generation)
) STRICT;

CREATE TABLE migrations (
    file       INTEGER NOT NULL REFERENCES files (id),
    generation INTEGER NOT NULL,
    migrator   TEXT NOT NULL,
    target     TEXT NOT NULL,
    method     TEXT NOT NULL,
    output     TEXT NOT NULL,                 -- path below the output folder
    size       INTEGER NOT NULL,
    sha256     TEXT NOT NULL,
    puid       TEXT,
    format     TEXT NOT NULL,                 -- PRONOM's name and version of what was made
    version    TEXT NOT NULL,
    accepted   INTEGER NOT NULL,              -- 0: kept aside for review
    messages   TEXT NOT NULL,
    seconds    REAL NOT NULL,
    PRIMARY KEY (file, generation)
) STRICT;

CREATE TABLE checks (
    file       INTEGER NOT NULL REFERENCES files (id),
    generation INTEGER NOT NULL,
    property   TEXT NOT NULL,
    before     TEXT NOT NULL,
    after      TEXT NOT NULL,
    score      REAL NOT NULL,
    passed     INTEGER NOT NULL,
    note       TEXT NOT NULL,
    PRIMARY KEY (file, generation, property)
) STRICT;

-- Pictures of pages that differ, before and after, for people. Files of the same content
-- share them.
CREATE TABLE evidence (
    file       INTEGER NOT NULL REFERENCES files (id),
    generation INTEGER NOT NULL,
    path       TEXT    NOT NULL,              -- below the output folder
    size       INTEGER NOT NULL,
    sha256     TEXT    NOT NULL,
    PRIMARY KEY (file, generation, path)
) STRICT;
CREATE INDEX evidence_path ON evidence (path);

CREATE TABLE events (
    id         INTEGER PRIMARY KEY,
    uuid       TEXT NOT NULL UNIQUE,          -- derived: the same event cannot be told twice
    file       INTEGER NOT NULL REFERENCES files (id),
    generation INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    type       TEXT NOT NULL,                 -- PREMIS eventType
    time       TEXT NOT NULL,
    outcome    TEXT NOT NULL,
    detail     TEXT NOT NULL,
    subject    TEXT NOT NULL,                 -- source, or output
    run        INTEGER NOT NULL REFERENCES runs (id),
    UNIQUE (file, generation, number)
) STRICT;

-- What stages (tool '') and tools took, by format and size; see measures.py.
CREATE TABLE measures (
    stage      TEXT    NOT NULL,
    tool       TEXT    NOT NULL,
    puid       TEXT    NOT NULL,              -- '' for a file that is not identified
    size_class INTEGER NOT NULL,              -- n: sizes below 2**n bytes
    time_class INTEGER NOT NULL,              -- n: seconds below 2**n ms
    count      INTEGER NOT NULL,
    seconds    REAL    NOT NULL,
    longest    REAL    NOT NULL,
    cpu        REAL    NOT NULL,
    memory     INTEGER NOT NULL,              -- bytes, the most of one
    PRIMARY KEY (stage, tool, puid, size_class, time_class)
) STRICT, WITHOUT ROWID;

CREATE TABLE event_agents (
    event INTEGER NOT NULL REFERENCES events (id),
    agent INTEGER NOT NULL REFERENCES agents (id),
    PRIMARY KEY (event, agent)
) STRICT, WITHOUT ROWID;
