# SPDX-License-Identifier: AGPL-3.0-or-later
"""`skanearkiv bench`: how fast, what limits, and is this version slower than the last?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from pipeline.cli.output import console, emit, escaped, failures
from pipeline.config.clusters import Local
from pipeline.core.errors import ConfigError, ToolMissingError
from pipeline.execution.clusters.local import count

_EXAMPLES = """
Examples:

  skanearkiv bench run /deliveries/sample --workers 4 --repeat 3 --results results

  skanearkiv bench stages /deliveries/sample

  skanearkiv bench scaling /deliveries/sample --workers 2 --workers 4 --workers 8

  skanearkiv bench peers /deliveries/sample --limit 10

  skanearkiv bench make /tmp/made --files 2000 --mix /archive/kommun-2026-03

  skanearkiv bench compare before/run.json after/run.json

Each writes a result (JSON), its tables (Markdown) and plots (PNG, SVG) into --results. Run it
on a quiet machine; outputs go to a folder below /var/tmp that is removed.
"""

bench = typer.Typer(no_args_is_help=True, help="Measure throughput, stages, scaling; compare.")

Source = Annotated[Path, typer.Argument(help="The files to measure with. They are only read.")]
Results = Annotated[Path, typer.Option(help="Folder for result, tables and plots.")]
Repeat = Annotated[int, typer.Option(min=1, help="How often; medians are told.")]
Policy = Annotated[Path | None, typer.Option(help="Format policy (TOML).")]
Config = Annotated[Path | None, typer.Option(help="Settings (TOML), as for `run`.")]
Scratch = Annotated[Path | None, typer.Option(help="Folder for outputs, removed at the end.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Seed = Annotated[int, typer.Option(help="The same seed, the same choice.")]
Cold = Annotated[
    bool, typer.Option("--cold", help="Have the kernel forget the files before each run.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(bench, name="bench", epilog=_EXAMPLES)


@bench.command("run")
def run_(
    source: Source,
    workers: Annotated[
        list[int] | None, typer.Option(min=1, help="Workers; repeatable [all cores].")
    ] = None,
    repeat: Repeat = 3,
    results: Results = Path("results"),
    policy: Policy = None,
    config: Config = None,
    scratch: Scratch = None,
    cold: Cold = False,
    as_json: Json = False,
) -> None:
    """Whole runs: files and GB an hour, processor time, memory, overhead."""
    with failures():
        _needed()
        from benchmarks import run

        asked = _asked(source, policy, config, cold)
        made = run.bench(asked, workers or [count(Local())], repeat, scratch, _say)
        _written(made, results, run.markdown, as_json)


@bench.command("scaling")
def scaling_(
    source: Source,
    workers: Annotated[
        list[int] | None, typer.Option(min=1, help="Workers beside 1; repeatable [all cores].")
    ] = None,
    repeat: Repeat = 3,
    results: Results = Path("results"),
    policy: Policy = None,
    config: Config = None,
    scratch: Scratch = None,
    cold: Cold = False,
    pinned: Annotated[
        bool, typer.Option("--pinned", help="Each run on as many cores as it has workers.")
    ] = False,
    as_json: Json = False,
) -> None:
    """The same files with one worker and more: how far from the ideal."""
    with failures():
        _needed()
        from benchmarks import scaling

        asked = replace(_asked(source, policy, config, cold), pinned=pinned)
        made = scaling.bench(asked, workers or [count(Local())], repeat, scratch, _say)
        _written(made, results, scaling.markdown, as_json)


@bench.command("stages")
def stages_(
    source: Source,
    repeat: Repeat = 1,
    top: Annotated[int, typer.Option(min=1, help="Formats to tell of.")] = 10,
    results: Results = Path("results"),
    policy: Policy = None,
    config: Config = None,
    scratch: Scratch = None,
    cold: Cold = False,
    as_json: Json = False,
) -> None:
    """What each format costs, by stage and tool, cold and warm. One worker."""
    with failures():
        _needed()
        from benchmarks import stages

        asked = _asked(source, policy, config, cold)
        made = stages.bench(asked, repeat, scratch, top, _say)
        _written(made, results, lambda one: stages.markdown(one, top), as_json)


@bench.command("peers")
def peers_(
    source: Source,
    repeat: Repeat = 1,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Files of each family, a sample by seed [all].")
    ] = None,
    stage: Annotated[
        list[str] | None,
        typer.Option(help="chain, identification, pdf, office or validation; repeatable [all]."),
    ] = None,
    seed: Seed = 1,
    results: Results = Path("results"),
    policy: Policy = None,
    scratch: Scratch = None,
    as_json: Json = False,
) -> None:
    """The same files through what others use: the whole chain, and stage by stage."""
    with failures():
        _needed()
        from benchmarks import one_run, peers, peers_plot
        from benchmarks import results as made_results
        from format_registry.policy import default_path

        stages = tuple(stage) if stage else peers.STAGES
        with one_run.place(scratch) as base:
            found = peers.measure(
                source.resolve(), base / "peers", repeat, limit, stages=stages, policy=policy,
                seed=seed,
            )  # fmt: skip
        made = made_results.result("peers", policy or default_path(), **found)
        _written(made, results, peers.markdown, as_json, peers_plot.draw)


@bench.command("make")
def make_(
    folder: Annotated[Path, typer.Argument(help="Folder to make; must not exist yet.")],
    files: Annotated[int, typer.Option(min=1, help="How many.")] = 1000,
    mix: Annotated[
        Path | None,
        typer.Option(help="A run's folder, or a report's files.csv [a municipal delivery]."),
    ] = None,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """Make a delivery to measure with: the same bytes for the same seed."""
    with failures():
        from benchmarks import generator, generator_mix

        rows = generator_mix.read(mix) if mix else generator_mix.default()
        with Progress(console=console, disable=not console.is_terminal) as bar:
            task = bar.add_task("files", total=files)
            made = generator.make(
                folder, files, seed, rows, say=lambda number: bar.update(task, completed=number)
            )
    if as_json:
        emit(made.as_dict())
        return
    typer.echo(
        f"{made.files} files, {made.size / 1e6:.0f} MB in {folder}: {made.copies} copies, "
        f"{made.empty} empty, {made.damaged} cut off, {made.scans} scans"
    )
    for puid, (other, many) in made.stand_ins.items():
        typer.echo(f"  {puid or 'not identified'}: nobody makes it, {many} of {other} instead")


@bench.command("compare")
def compare_(
    first: Annotated[Path, typer.Argument(metavar="A", help="Result (JSON) of before.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Result (JSON) of after.")],
    tolerance: Annotated[
        float, typer.Option(min=0.0, help="A difference that is nobody's concern.")
    ] = 0.05,
    as_json: Json = False,
) -> None:
    """Say whether B is slower than A, or whether that is noise.

    Exit code 0: noise, or faster; 1: slower by more than --tolerance; 2: they cannot be
    compared.
    """
    with failures():
        _needed()
        from benchmarks import compare

        found = compare.compare(first, second, tolerance)
        if as_json:
            emit(compare.as_data(found))
        else:
            for note in found.notes:
                console.print(f"[yellow]not alike:[/] {escaped(note)}")
            typer.echo(
                f"{found.verdict}: B's files take {_times(found.files)} A's time, the whole run "
                f"{_times(found.runs)} (in brackets what chance gives in 90 of 100 cases; "
                f"{found.pairs} files, {found.repetitions[0]} and {found.repetitions[1]} runs)"
            )
    raise typer.Exit(1 if found.verdict == "regression" else 0)


def _times(one: Any) -> str:
    return f"{one.ratio:.3f} times ({one.low:.3f} to {one.high:.3f})"


def _needed() -> None:
    """Raise ToolMissingError where the packages for measuring are not installed."""
    for name in ("matplotlib", "psutil"):
        try:
            __import__(name)
        except ImportError:
            raise ToolMissingError(
                name, 'install it with: pip install "skanearkiv[bench]"'
            ) from None


def _asked(source: Path, policy: Path | None, config: Path | None, cold: bool) -> Any:
    from benchmarks.one_run import Asked

    if not source.is_dir():
        raise ConfigError(f"{source} is no folder")
    return Asked(source.resolve(), 1, policy, config, cold)


def _say(text: str) -> None:
    console.print(escaped(text))


def _written(
    made: dict[str, Any],
    folder: Path,
    tables: Callable[[dict[str, Any]], str],
    as_json: bool,
    draw: Callable[[dict[str, Any], Path], list[Path]] | None = None,
) -> None:
    from benchmarks import bench_plots, results

    path = folder / f"{made['kind']}.json"
    results.write(made, path)
    text = tables(made)
    path.with_suffix(".md").write_text(text, encoding="utf-8")
    pictures = (draw or bench_plots.draw)(made, folder)
    if as_json:
        emit(made)
    else:
        typer.echo(text)
    console.print(escaped(" ".join(str(one) for one in (path, path.with_suffix(".md"), *pictures))))
