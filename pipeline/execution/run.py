# SPDX-License-Identifier: AGPL-3.0-or-later
"""The whole of a run, from a source folder to a closed ledger."""

from __future__ import annotations

import os
import platform
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from format_registry import policy as policies
from format_registry.policy import Policy
from pipeline.config.settings import Settings
from pipeline.core import isolate
from pipeline.core.errors import ConfigError, RunStoppedError
from pipeline.core.records import Outcome
from pipeline.execution import cluster, replan
from pipeline.execution.coordinator import Coordinator, worker_count
from pipeline.execution.lock import exclusive
from pipeline.execution.outputs import Outputs
from pipeline.execution.progress import Tally, Watcher
from pipeline.ledger import connection, queries
from pipeline.ledger.store import Ledger, RunFacts
from pipeline.scan import scan
from pipeline.steps.jobs import Context
from pipeline.steps.preflight import check_names, check_ours, check_tools

_SCAN_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Request:
    """What a run is asked to do. `workers` 0 means one per core."""

    source: Path
    out: Path
    policy: Path
    settings: Settings
    workers: int = 0
    delivery: str = ""
    producer: str = ""
    retry: frozenset[Outcome] = frozenset()


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run ended. `executed`: files that it worked on; `outcomes`: of the whole ledger."""

    completed: bool
    executed: int
    files: int
    missing: int
    outcomes: Counter[str]

    @property
    def all_good(self) -> bool:
        """Whether no file needs attention."""
        return all(Outcome(name).good for name in self.outcomes)


def execute(request: Request, watcher: Watcher) -> Summary:
    """Run. Raises ConfigError, ToolMissingError, RunStoppedError.

    The second Ctrl-C raises KeyboardInterrupt; the first drains and gives a summary.
    """
    check_ours()
    source, out = _folders(request)
    policy = policies.load(request.policy)
    check_names(policy)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"the output folder {out} cannot be made: {error.strerror}") from error
    with exclusive(out):
        name = request.delivery or source.name
        ledger = Ledger(connection.path_in(out), source, name, request.producer)
        try:
            workers = worker_count(request.workers)
            ledger.start_run(_facts(request, policy, workers))
            pending = _scan(ledger, source, request.retry, watcher)
            for old in queries.other_policies(ledger.database, policy.sha256):
                again = replan.replan(ledger, old, policy)
                if again:
                    watcher.say(f"the policy has changed: {again} files are decided anew")
                pending += again
            tally = queries.tally(ledger.database, Tally())
            outputs = Outputs(out, ledger)
            outputs.prepare()
            completed = True
            if pending:
                completed = _work(request, ledger, policy, source, out, workers, watcher, tally)
            outputs.clear()
            ledger.end_run("done" if completed else "interrupted")
            return Summary(
                completed,
                tally.done,
                queries.count(ledger.database),
                queries.missing(ledger.database),
                queries.outcomes(ledger.database),
            )
        except BaseException:
            # Nobody shall be told of a run that is no more; the ledger may be what failed.
            with suppress(RunStoppedError):
                ledger.end_run("stopped")
            raise
        finally:
            ledger.close()


def _work(
    request: Request, ledger: Ledger, policy: Policy, source: Path, out: Path, workers: int,
    watcher: Watcher, tally: Tally,
) -> bool:  # fmt: skip
    os.environ.update(request.settings.environment())
    check_tools(policy)
    # What the check started (a Java machine among them) is the workers' business from here.
    isolate.close_all()
    staging = out / ".staging"
    context = Context(source, staging, policy, request.settings)
    with cluster.local(workers, context, staging / "dask") as (client, dashboard):
        watcher.say(f"{workers} workers; dashboard {dashboard}")
        coordinator = Coordinator(client, ledger, context, out, watcher, tally)
        return coordinator.run(window=workers * request.settings.batches.window)


def _folders(request: Request) -> tuple[Path, Path]:
    source = Path(os.path.realpath(request.source))
    if not source.is_dir():
        raise ConfigError(f"the source {request.source} is not a folder")
    out = Path(os.path.realpath(request.out))
    if out == source or source in out.parents or out in source.parents:
        raise ConfigError(f"source {source} and output {out} must not lie within each other")
    return source, out


def _facts(request: Request, policy: Policy, workers: int) -> RunFacts:
    return RunFacts(
        policy_name=f"{policy.header.name} {policy.header.version}",
        policy_sha256=policy.sha256,
        policy=request.policy.read_text(encoding="utf-8"),
        settings=repr(asdict(request.settings)),
        workers=workers,
        machine=f"{platform.system()} {platform.release()} {platform.machine()}",
    )


def _scan(ledger: Ledger, source: Path, retry: frozenset[Outcome], watcher: Watcher) -> int:
    pending = found = 0
    records = scan(source)
    while batch := list(islice(records, _SCAN_BATCH)):
        pending += ledger.scanned(batch, retry)
        found += len(batch)
        watcher.scanning(found)
    return pending
