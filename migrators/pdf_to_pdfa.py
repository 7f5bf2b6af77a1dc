# SPDX-License-Identifier: AGPL-3.0-or-later
"""PDF to PDF/A, changing as little as will do.

What is valid PDF/A already is not for this module: the policy keeps it byte for byte.
veraPDF names the rules that a document breaks, each rule has a mender that changes what
it asks for and nothing else, and veraPDF judges again (docs/menders.md). Only pages that
no mender helps are rewritten by Ghostscript, strictly, then with colours converted, then
leniently; at the very last a page becomes a picture of itself with its text beneath.
Whether the result still is the same document is for `steps/verify` to find out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from migrators.base import Options
from migrators.pdf import ghostscript, graft, mend, picture
from migrators.pdf.ways import WAYS, Way, listed, losses
from pipeline.core import isolate
from pipeline.core.errors import (
    CrashError,
    DamagedError,
    NotConvertedError,
    OutOfMemoryError,
    ToolFailureError,
)
from pipeline.core.isolate import Pool
from pipeline.core.records import (
    Agent,
    Check,
    Message,
    MigrationNote,
    Severity,
    ValidationResult,
    Verdict,
)
from pipeline.core.versions import wheel_agent

_FAILED = (ToolFailureError, CrashError, OutOfMemoryError, DamagedError, NotConvertedError)
# Which text a code stands for no new page brings about.
_HELPLESS = frozenset({"6.2.11.7.2-1", "6.2.11.7.2-2"})
_ROUNDS = 5  # of mending; a mend may bring to light what it hid, twice in all that was seen


@dataclass(frozen=True, slots=True)
class _State:
    """A document on its way: the file, what was judged of it, what is to be told.

    `rewritten`: pages (from 1) that are not drawn as they were: as `pictures`, or by
    Ghostscript, which leaves no `layers` where there were some.
    """

    path: Path
    verdict: ValidationResult
    told: tuple[Message, ...] = ()
    rewritten: frozenset[int] = field(default_factory=frozenset)
    pictures: bool = False
    layers: bool = False

    @property
    def valid(self) -> bool:
        return self.verdict.verdict is Verdict.VALID

    @property
    def rules(self) -> tuple[str, ...]:
        return tuple(str(self.verdict.properties.get("pdfa_rules", "")).split())

    @property
    def pages(self) -> tuple[int, ...]:
        return tuple(map(int, str(self.verdict.properties.get("pdfa_pages", "")).split()))

    @property
    def why(self) -> str:
        return "; ".join(one.detail for one in self.verdict.messages[:3]) or "not valid"


class PdfToPdfa:
    """Makes PDF/A from PDF. Target names: `pdfa-1b`, `pdfa-2b`, `pdfa-2u`, `pdfa-3b`.

    A tagged document is given level A where it validates as that.
    """

    name = "pdf_to_pdfa"
    sources = frozenset(
        {
            "fmt/14", "fmt/15", "fmt/16", "fmt/17", "fmt/18", "fmt/19", "fmt/20", "fmt/276",
            "fmt/1129", "fmt/95", "fmt/354", "fmt/476", "fmt/477", "fmt/478", "fmt/479",
            "fmt/480", "fmt/481", "fmt/1910", "fmt/1911", "fmt/1912", "fmt/2050", "fmt/2052",
            "fmt/144", "fmt/145", "fmt/146", "fmt/147", "fmt/148", "fmt/157", "fmt/158",
            "fmt/488", "fmt/489", "fmt/490", "fmt/491", "fmt/492", "fmt/493", "fmt/1451",
            # Adobe Illustrator 9 to 16: PDF with the program's own data beside the pages.
            "fmt/558", "fmt/559", "fmt/560", "fmt/561", "fmt/562", "fmt/563", "fmt/564", "fmt/565",
        }
    )  # fmt: skip
    target_puids = frozenset(
        {"fmt/95", "fmt/354", "fmt/476", "fmt/477", "fmt/478", "fmt/479", "fmt/480", "fmt/481"}
    )

    def agents(self) -> tuple[Agent, ...]:
        """Return the programs used. Raises ToolMissingError."""
        return (
            wheel_agent("pikepdf", "qpdf"),
            wheel_agent("fonttools", "font programs"),
            wheel_agent("pymupdf", "MuPDF, appearances and fonts"),
            Agent("Ghostscript", ghostscript.PROBE.version(), "pdfwrite"),
        )

    def migrate(self, source: Path, target: Path, options: Options) -> MigrationNote:
        """Write a valid PDF/A, or raise NotConvertedError with the rules that stayed broken.

        Also raises DamagedError, PasswordError, ToolTimeoutError.
        """
        return self.convert(source, target, options, metadata_from=None)

    def convert(
        self, source: Path, target: Path, options: Options, *, metadata_from: Path | None
    ) -> MigrationNote:
        """Do what `migrate` does, with title, author and dates of another document."""
        work = _Work(options)
        base = work.mended(work.prepared(source, metadata_from))
        state, method = base, "mended"
        obstacles = [] if base.valid else [f"mended: {base.why}"]
        if not base.valid and not all(rule in _HELPLESS for rule in base.rules):
            state, method = work.by_force(base, obstacles)
        if not state.valid:
            raise NotConvertedError(" | ".join(obstacles)[:2000], "pdfa.not_reached")
        state = work.best_level(state)
        state.path.replace(target)
        lost: tuple[Message, ...] = ()
        if options.facts.get("signatures"):
            lost = (Message("pdf.signature_not_carried", Severity.WARNING),)
        told = (*state.told, *lost)
        return MigrationNote(method, told, self.agents(), work.flattened(state))


class _Work:
    """The steps on one document; each writes a file of its own in the working folder."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.flavour = options.target.removeprefix("pdfa-")
        self.pages = 0
        self._files = 0

    def _new(self) -> Path:
        self._files += 1
        return self.options.workdir / f"made-{self._files}.pdf"

    def prepared(self, source: Path, metadata_from: Path | None) -> _State:
        """Return the document prepared and judged. What cannot be opened raises DamagedError."""
        made = self._new()
        self.pages, told = isolate.call(
            Pool.LIBRARIES, mend.prepare, source, made, self.flavour, metadata_from
        )
        return _State(made, self.options.judge(made), told)

    def mended(self, state: _State) -> _State:
        """Return the document after mending, as far as menders help."""
        asked: set[tuple[str, ...]] = set()
        for _ in range(_ROUNDS):
            if state.valid or state.rules in asked:
                break
            asked.add(state.rules)
            made = self._new()
            try:
                changed, told = isolate.call(
                    Pool.LIBRARIES, mend.mend, state.path, made, self.flavour, state.rules,
                    state.pages,
                )  # fmt: skip
            except _FAILED as error:
                failed = Message("pdfa.mender_failed", Severity.WARNING, error.detail)
                state = replace(state, told=(*state.told, failed))
                break
            if not changed:
                state = replace(state, told=(*state.told, *told))
                break
            state = self._next(state, made, told)
        return state

    def _next(
        self, state: _State, made: Path, told: tuple[Message, ...], pages: tuple[int, ...] = ()
    ) -> _State:
        """Return what became of a document: a new file, judged, with more to tell."""
        return replace(
            state,
            path=made,
            verdict=self.options.judge(made),
            told=(*state.told, *told),
            rewritten=state.rewritten | frozenset(pages),
        )

    def by_force(self, base: _State, obstacles: list[str]) -> tuple[_State, str]:
        """Return the document with pages written anew, and how; not valid if nothing helped.

        Each way starts from what was mended: another's losses are not its own. One that
        makes text unreadable (pdfwrite flattens transparency into pictures for PDF/A-1)
        is taken only if no other works.
        """
        spare: tuple[_State, str] | None = None
        for way in (*WAYS, None):
            name = way.method if way else "picture"
            try:
                state = self.rewritten(base, way) if way else self.pictured(base)
            except _FAILED as error:
                obstacles.append(f"{name}: {error.detail}")
                continue
            method = f"{name}, {len(state.rewritten)} of {self.pages} pages"
            if not state.valid:
                obstacles.append(f"{name}: {state.why}")
                continue
            pages = tuple(sorted(state.rewritten))
            if isolate.call(Pool.LIBRARIES, picture.same_words, base.path, state.path, pages):
                return state, method
            spare = spare or (state, method)
        return spare or (base, "")

    def rewritten(self, state: _State, way: Way) -> _State:
        """Return the document with the pages rewritten that stand in the way, and mended.

        veraPDF tells a fault of something shared (a font) on the first page that has it:
        after the pages that it named come those that it names then, and in the end all.
        """
        for last in (False, False, True):
            pages = state.pages if state.pages and not last else tuple(range(1, self.pages + 1))
            if not last and set(pages) <= state.rewritten:
                continue
            state = self.mended(self._grafted(state, pages, way))
            if state.valid:
                break
        return state

    def _grafted(self, state: _State, pages: tuple[int, ...], way: Way) -> _State:
        extracted, written, made = self._new(), self._new(), self._new()
        layers = isolate.call(Pool.LIBRARIES, graft.extract, state.path, extracted, pages)
        ghostscript.rewrite(
            extracted, written, self.flavour, strict=way.strict, to_rgb=way.to_rgb,
            cwd=self.options.workdir,
        )  # fmt: skip
        isolate.call(Pool.LIBRARIES, graft.place, state.path, written, made, pages)
        return replace(self._next(state, made, losses(way, pages), pages), layers=layers)

    def pictured(self, state: _State) -> _State:
        """Return the document with those pages as pictures whose content breaks a rule."""
        for _ in range(_ROUNDS):
            pages = tuple(page for page in state.pages if page not in state.rewritten)
            if state.valid or not pages:
                break
            made = self._new()
            isolate.call(Pool.LIBRARIES, picture.pages, state.path, made, pages)
            told = Message("pdfa.page_flattened", Severity.WARNING, listed(pages))
            state = self.mended(self._next(state, made, (told,), pages))
        return replace(state, pictures=bool(state.rewritten))

    def best_level(self, state: _State) -> _State:
        """Return a tagged document as level A, if it validates as that."""
        if not isolate.call(Pool.LIBRARIES, mend.tagged, state.path):
            return state
        made = self._new()
        isolate.call(Pool.LIBRARIES, mend.claim, state.path, made, f"{self.flavour[0]}a")
        judged = self.options.judge(made)
        if judged.verdict is not Verdict.VALID:
            return state
        return replace(state, path=made, verdict=judged)

    def flattened(self, state: _State) -> tuple[Check, ...]:
        """Return the check of pages that are not drawn as they were; none if all are."""
        if not state.rewritten or not (state.pictures or state.layers):
            return ()
        kept = self.pages - len(state.rewritten)
        what = "pictures" if state.pictures else "layers lost"
        note = f"{what}: {listed(tuple(sorted(state.rewritten)))}"
        score = round(kept / max(self.pages, 1), 4)
        return (Check("document.flattened", str(self.pages), str(kept), score, False, note),)


MIGRATOR = PdfToPdfa()
