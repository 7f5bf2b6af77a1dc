# SPDX-License-Identifier: AGPL-3.0-or-later
"""What identification costs: stock FIDO, our FIDO, Siegfried, and both with SHA-256.

    python -m benchmarks.identification CORPUS [CORPUS ...] --repeat 5 --out results/

Files and MB per CPU-second, since wall time says more about the machine's other work.
Each engine runs in a process of its own, all in turn, several times over: a slow minute
falls on each alike. Compare within one result only. Each goes through the files twice, and
the second time counts; what loading and the first time cost is told apart, and so is the
memory of its process.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.plots import bars
from format_registry import signatures

ENGINES = ("stock FIDO", "our FIDO", "Siegfried", "both + SHA-256")
_PACKAGES = ("opf-fido", "pygfried", "google-re2", "olefile")


def engine(name: str, scratch: Path) -> Callable[[Path], object]:
    """Return what is measured: a function that identifies a path."""
    if name == "stock FIDO":
        from benchmarks.stock_fido import stock

        return stock(signatures.active_name(), scratch)
    if name == "our FIDO":
        ours = signatures.engine()

        def by_ours(path: Path) -> object:
            with open(path, "rb", buffering=0) as stream:
                return ours.open(stream, str(path))

        return by_ours
    if name == "Siegfried":
        import pygfried

        return lambda path: pygfried.identify(str(path), detailed=True)
    from format_registry import looks
    from pipeline.core.hashing import digest

    return lambda path: (digest(path), looks.look(path, ("siegfried", "fido")))


def measure(name: str, paths: Sequence[Path]) -> dict[str, Any]:
    """Run one engine over all files, here; return CPU seconds, load, peak memory in MB."""
    with tempfile.TemporaryDirectory(prefix="skanearkiv-bench-") as scratch:
        started = time.process_time()
        ask = engine(name, Path(scratch))
        # A worker lives for thousands of files: what the first of each kind costs, such as
        # compiling an expression, is told with loading.
        for path in paths:
            ask(path)
        loaded = time.process_time()
        for path in paths:
            ask(path)
        ended = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "load_and_first_pass_cpu_seconds": round(loaded - started, 3),
        "cpu_seconds": round(ended - loaded, 4),
        "peak_memory_mb": round(peak, 1),
    }


def compare(corpus: Path, engines: Sequence[str], repeat: int) -> dict[str, Any]:
    """Measure the engines in turn over one corpus; return raw runs and what they come to."""
    paths = [path for path in sorted(corpus.rglob("*")) if path.is_file() and not path.is_symlink()]
    paths = [path for path in paths if path.stat().st_size]
    size = sum(path.stat().st_size for path in paths)
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in engines}
    for number in range(repeat):
        for name in engines:
            print(f"{corpus.name}: {number + 1}/{repeat} {name}", file=sys.stderr, flush=True)
            runs[name].append(_apart(name, paths))
    result: dict[str, Any] = {
        "files": len(paths),
        "bytes": size,
        "corpus_sha256": _fingerprint(corpus, paths),
        "runs": runs,
        "engines": {},
    }
    for name, several in runs.items():
        rates = [len(paths) / one["cpu_seconds"] for one in several]
        result["engines"][name] = {
            "files_per_cpu_second": _spread(rates),
            "mb_per_cpu_second": _spread([rate * size / len(paths) / 1e6 for rate in rates]),
            "peak_memory_mb": max(one["peak_memory_mb"] for one in several),
        }
    result["ratios"] = _ratios(runs)
    return result


def _apart(name: str, paths: Sequence[Path]) -> dict[str, Any]:
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.identification", "--one", name],
        input="\0".join(map(str, paths)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def _ratios(runs: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, float]]:
    """Pair the runs of each round: how many times as fast our engine was."""
    ours = runs.get("our FIDO")
    if not ours:
        return {}
    return {
        name: _spread(
            [b["cpu_seconds"] / a["cpu_seconds"] for a, b in zip(ours, several, strict=True)]
        )
        for name, several in runs.items()
        if name != "our FIDO"
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 2),
        "minimum": round(min(values), 2),
        "maximum": round(max(values), 2),
    }


def _fingerprint(corpus: Path, paths: Sequence[Path]) -> str:
    total = hashlib.sha256()
    for path in paths:
        total.update(os.fsencode(path.relative_to(corpus)) + b"\0")
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _table(name: str, result: dict[str, Any]) -> str:
    lines = [
        f"\n{name}: {result['files']} files, {result['bytes'] / 1e6:.1f} MB\n",
        "| engine | files per CPU-second | MB per CPU-second | peak memory, MB | ours is faster |",
        "|---|---|---|---|---|",
    ]
    for engine_name, found in result["engines"].items():
        files, rate = found["files_per_cpu_second"], found["mb_per_cpu_second"]
        ratio = result["ratios"].get(engine_name)
        times = f"{ratio['median']} x ({ratio['minimum']}-{ratio['maximum']})" if ratio else ""
        lines.append(
            f"| {engine_name} | {files['median']:.0f} ({files['minimum']:.0f}-"
            f"{files['maximum']:.0f}) | {rate['median']:.1f} | {found['peak_memory_mb']:.0f} "
            f"| {times} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure what the command line asks for; print tables, write JSON and a plot."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpora", type=Path, nargs="*", metavar="CORPUS")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--signatures", default="", help="the set for both FIDOs")
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--out", type=Path, default=Path("identification"))
    parser.add_argument("--one", choices=ENGINES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        paths = [Path(name) for name in sys.stdin.read().split("\0") if name]
        json.dump(measure(arguments.one, paths), sys.stdout)
        return
    missing = [str(corpus) for corpus in arguments.corpora if not corpus.is_dir()]
    if missing or not arguments.corpora:
        parser.error(f"no folder: {', '.join(missing) or 'give at least one'}")
    os.environ[signatures.VARIABLE] = arguments.signatures or signatures.active_name()
    results = {
        str(corpus.name): compare(corpus.resolve(), arguments.engines, arguments.repeat)
        for corpus in arguments.corpora
    }
    document = {
        "machine": {
            "system": platform.platform(),
            "python": platform.python_version(),
            "cores": os.cpu_count(),
        },
        "versions": {name: version(name) for name in _PACKAGES},
        "signatures": signatures.active().details,
        "corpora": results,
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "identification.json").write_text(json.dumps(document, indent=1))
    for name, result in results.items():
        print(_table(name, result))
    rates = {
        name: {one: (found["files_per_cpu_second"]) for one, found in result["engines"].items()}
        for name, result in results.items()
    }
    bars(rates, "files per CPU-second", arguments.out / "identification.png")


if __name__ == "__main__":
    main()
