# SPDX-License-Identifier: AGPL-3.0-or-later
"""The whole of a run, from a source folder to a closed ledger."""

from __future__ import annotations

import os
import platform
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path

from format_registry import policy as policies
from format_registry.policy import Policy
from pipeline.config.clusters import Cluster, Local
from pipeline.config.settings import Settings
from pipeline.core import isolate
from pipeline.core.errors import ConfigError, FileError, RunStoppedError
from pipeline.core.records import Action, Outcome
from pipeline.core.versions import own_agent
from pipeline.execution import places, replan
from pipeline.execution.clusters.base import Joined
from pipeline.execution.clusters.join import joined
from pipeline.execution.clusters.local import count
from pipeline.execution.coordinator import Coordinator
from pipeline.execution.estimates import Estimates
from pipeline.execution.lock import exclusive
from pipeline.execution.lookout import Lookout
from pipeline.execution.outputs import Outputs
from pipeline.execution.progress import Tally, Watcher
from pipeline.execution.room import Disks
from pipeline.ledger import connection, queries
from pipeline.ledger.store import Ledger, RunFacts
from pipeline.steps.jobs import Context
from pipeline.steps.preflight import check_names, check_ours, check_tools
from pipeline.storage import sources
from pipeline.storage.package import STAGING
from pipeline.storage.place import Place
from pipeline.watching.facts import RunInfo
from pipeline.watching.watch import Told, Watch, watching

_SCAN_BATCH = 1000
# On the disk of every node, while /tmp may be its memory (file-hierarchy(7)).
_NODE_SCRATCH = "/var/tmp"  # noqa: S108


@dataclass(frozen=True, slots=True)
class Request:
    """What a run is asked to do.

    `work`: where ledger and reports are while outputs go to object storage.
    """

    source: Place
    out: Place
    policy: Path
    settings: Settings
    cluster: Cluster = field(default_factory=Local)
    delivery: str = ""
    producer: str = ""
    retry: frozenset[Outcome] = frozenset()
    work: Path | None = None


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
    storage = request.settings.storage
    source, out, work = places.resolved(
        request.source, request.out, request.work, storage, watcher.say
    )
    policy = policies.load(request.policy)
    check_names(policy)
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"the output folder {work} cannot be made: {error.strerror}") from error
    with exclusive(work), ExitStack() as ending:
        name = request.delivery or source.name
        ledger = Ledger(connection.path_in(work), places.named(source), name, request.producer)
        try:
            ledger.start_run(facts := _facts(request, policy))
            told = RunInfo(ledger.run, name, facts.policy_name, own_agent().version, facts.workers)
            watch = ending.enter_context(
                watching(request.settings.watching, work, told, watcher.say)
            )
            watcher = Told(watcher, watch)
            places.hold(out, work, ledger, storage, watcher.say)
            pending = _scan(ledger, source, request, watcher)
            for old in queries.other_policies(ledger.database, policy.sha256):
                again = replan.replan(ledger, old, policy)
                if again:
                    watcher.say(f"the policy has changed: {again} files are decided anew")
                pending += again
            tally = queries.tally(ledger.database, Tally())
            outputs = Outputs(out, ledger, storage, watcher.say)
            outputs.prepare()
            completed = True
            if pending:
                completed = _work(request, ledger, policy, source, out, work, watcher, tally, watch)
            outputs.clear()
            watch.status = "done" if completed else "interrupted"
            ledger.end_run(watch.status)
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
    request: Request, ledger: Ledger, policy: Policy, source: Place, out: Place, work: Path,
    watcher: Watcher, tally: Tally, watch: Watch,
) -> bool:  # fmt: skip
    os.environ.update(request.settings.environment())
    check_tools(policy)
    # What the check started (a Java machine among them) is the workers' business from here.
    isolate.close_all()
    staging = out / STAGING if isinstance(out, Path) else out.below(STAGING)
    settings = _placed(request.settings, request.cluster)
    context = Context(source, staging, policy, settings)
    folders = [one for one in (out, work) if isinstance(one, Path)]
    if isinstance(request.cluster, Local):
        root = context.scratch_root()
        root.mkdir(parents=True, exist_ok=True)
        folders.append(root)
    disks = Disks(folders, request.settings.room.disk_mib, watcher.say)
    disks.check()
    with joined(request.cluster, context, work / STAGING, watcher.say) as (found, gate):
        watcher.say(_told(found))
        patience = request.cluster.patience_minutes
        slow = {
            puid for rule in policy.rules if rule.action is Action.MIGRATE for puid in rule.puids
        }
        estimates = Estimates(ledger.database, slow)
        lookout = Lookout(watch, ledger, estimates, tally, list(dict.fromkeys(folders)))
        coordinator = Coordinator(
            found.client, ledger, context, out, watcher, gate, disks, patience, lookout
        )
        watch.working(begun=True)
        completed = coordinator.run()
        watch.working(begun=False)
        return completed


def _told(found: Joined) -> str:
    if found.slots:
        return f"{found.slots} workers; dashboard {found.dashboard}"
    # It listens where its scheduler is, on loopback as `cluster scheduler` starts it.
    return f"workers of another's; dashboard {found.dashboard} (by a tunnel to that machine)"


def _placed(settings: Settings, cluster: Cluster) -> Settings:
    """Return the settings with a scratch folder that is a node's own, on a cluster."""
    here = cluster.scratch or settings.storage.scratch
    if not here and not isinstance(cluster, Local):
        here = _NODE_SCRATCH
    return replace(settings, storage=replace(settings.storage, scratch=here))


def _slots(cluster: Cluster) -> int:
    """Return how many workers are asked for, 0 where others decide."""
    if isinstance(cluster, Local):
        return count(cluster)
    slots = int(getattr(cluster, "slots", 1))
    hosts = getattr(cluster, "hosts", ())
    return slots * int(getattr(cluster, "jobs", len(hosts) or getattr(cluster, "workers", 0)))


def _facts(request: Request, policy: Policy) -> RunFacts:
    return RunFacts(
        policy_name=f"{policy.header.name} {policy.header.version}",
        policy_sha256=policy.sha256,
        policy=request.policy.read_text(encoding="utf-8"),
        settings=repr(asdict(request.settings)),
        workers=_slots(request.cluster),
        machine=f"{platform.system()} {platform.release()} {platform.machine()}",
    )


def _scan(ledger: Ledger, source: Place, request: Request, watcher: Watcher) -> int:
    pending = found = 0
    records = sources.source(source, request.settings.storage, watcher.say).scan()
    try:
        while batch := list(islice(records, _SCAN_BATCH)):
            pending += ledger.scanned(batch, request.retry)
            found += len(batch)
            watcher.scanning(found)
    except FileError as error:
        raise RunStoppedError(f"{source} cannot be listed: {error.detail}") from error
    return pending
