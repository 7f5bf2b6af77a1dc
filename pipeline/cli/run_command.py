# SPDX-License-Identifier: AGPL-3.0-or-later
"""`skanearkiv run`: a delivery through the whole pipeline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from format_registry import signatures
from format_registry.policy import default_path
from pipeline.cli.output import (
    ATTENTION,
    INTERRUPTED,
    Screen,
    console,
    emit,
    failures,
    known_outcome,
)
from pipeline.cli.written import delivered
from pipeline.config import settings
from pipeline.config.clusters import Cluster, Local, find
from pipeline.config.watching import Watching
from pipeline.core.errors import ConfigError
from pipeline.core.records import Outcome
from pipeline.execution.run import Request, Summary, execute
from pipeline.storage.place import Address, parse

_EXAMPLES = """
Examples:

  skanearkiv run /deliveries/kommun-2026-03 --out /archive/kommun-2026-03

  skanearkiv run SOURCE --out OUT --workers 8 --delivery "Ärenden 2019" --producer "Ystads kommun"

  skanearkiv run SOURCE --out OUT --retry timeout --retry crash

  skanearkiv run /archive/in/kommun --out /archive/out/kommun --cluster kommun-slurm

  skanearkiv run s3://in/kommun --out s3://archive/kommun --work /var/lib/skanearkiv/kommun

Run the same command again to go on after an interruption, or to take in files that were
added. Outputs are in OUT/migrated, what a person must see in OUT/review, reports in
OUT/report, PREMIS in OUT/premis.xml.
"""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run", epilog=_EXAMPLES)(run)


def run(
    source: Annotated[
        str, typer.Argument(help="The delivery: folder, or s3://bucket/prefix. It is only read.")
    ],
    out: Annotated[
        str, typer.Option(help="Folder for outputs, ledger and reports, or s3://bucket/prefix.")
    ],
    work: Annotated[
        Path | None,
        typer.Option(help="Folder for ledger and reports when --out is object storage."),
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(help="Format policy (TOML). Default: SkånEarkiv's own.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="Limits, batch sizes and tool paths (TOML).")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=0, help="Worker processes here; 0 means one per core.")
    ] = 0,
    cluster: Annotated[
        str,
        typer.Option(help="Where: local, a cluster's name, tls://HOST:PORT, a scheduler file."),
    ] = "local",
    tls: Annotated[
        Path | None,
        typer.Option(envvar="SKANEARKIV_TLS", help="Certificates for tls:// (see `cluster`)."),
    ] = None,
    delivery: Annotated[
        str, typer.Option(help="Name of the delivery, for reports and PREMIS.")
    ] = "",
    producer: Annotated[str, typer.Option(help="Who delivers.")] = "",
    retry: Annotated[
        list[str] | None,
        typer.Option(help="Work again on files that ended with this outcome. Repeatable."),
    ] = None,
    metrics: Annotated[
        str, typer.Option(help="Serve metrics for Prometheus at this port, or HOST:PORT.")
    ] = "",
    log: Annotated[
        str, typer.Option(help="JSON lines go to this file, - for stderr [OUT/log/run-N.jsonl].")
    ] = "",
    engine: Annotated[
        str, typer.Option(help="Identify by siegfried, fido or both (the default).")
    ] = "",
    sha512: Annotated[bool, typer.Option("--sha512", help="Record SHA-512 as well.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Identify, validate, migrate, verify and record every file of SOURCE."""
    with failures():
        loaded = settings.load(config)
        asked = replace(
            loaded,
            sha512=loaded.sha512 or sha512,
            engine=engine or loaded.engine,
            # Fixed from here on: `signatures use` elsewhere shall not change a run half-way.
            signatures=loaded.signatures or signatures.active_name(),
            watching=Watching(metrics or loaded.watching.metrics, log or loaded.watching.log),
        )
        request = Request(
            source=parse(source),
            out=parse(out),
            work=work,
            policy=policy or default_path(),
            settings=asked,
            cluster=_cluster(cluster, workers, tls),
            delivery=delivery,
            producer=producer,
            retry=frozenset(known_outcome(name) for name in retry or ()),
        )
        with Screen(quiet=as_json) as screen, delivered(request, screen.say) as kept:
            summary = execute(request, screen)
            written = kept.records(news=bool(summary.executed or summary.missing))
        _tell(summary, request, as_json, bool(written))
    if not summary.completed:
        raise typer.Exit(INTERRUPTED)
    raise typer.Exit(0 if summary.all_good else ATTENTION)


def _cluster(asked: str, workers: int, tls: Path | None) -> Cluster:
    """Return the cluster that is meant. Raises ConfigError."""
    found = find(asked)
    if isinstance(found, Local):
        return replace(found, workers=workers or found.workers)
    if workers:
        raise ConfigError(f"--workers is for this machine; the cluster {asked} has its own number")
    if tls is not None and not found.tls:
        return replace(found, tls=str(tls.resolve()))
    return found


def _tell(summary: Summary, request: Request, as_json: bool, written: bool) -> None:
    out = request.out
    if as_json:
        emit(
            {
                "completed": summary.completed,
                "executed": summary.executed,
                "files": summary.files,
                "missing": summary.missing,
                "outcomes": dict(summary.outcomes),
                "out": str(out),
            }
        )
        return
    if summary.completed and not summary.executed:
        console.print(f"Nothing to do: all {summary.files} files have their outcome already.")
    else:
        console.print(f"{summary.executed} files worked on, {summary.files} in the ledger.")
    for name, count in summary.outcomes.most_common():
        mark = "" if Outcome(name).good else "  needs attention"
        console.print(f"  {name:<14} {count:>9}{mark}")
    if summary.missing:
        console.print(f"{summary.missing} files recorded earlier are no longer in the source.")
    if not summary.completed:
        console.print("Interrupted; nothing is lost. Run the same command to go on.")
    if written:
        folder = (request.work or Path(str(out))).resolve()
        console.print(f"Report: {folder / 'report' / 'report.sv.html'} (and report.en.html)")
        if isinstance(out, Address):
            console.print(f"Package: {out.url}, with report, premis.xml and a copy of the ledger")
