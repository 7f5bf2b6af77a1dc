# SPDX-License-Identifier: AGPL-3.0-or-later
"""Write docs/menders.md from migrators/pdf/menders/table.toml.

python tools/make_menders_table.py            writes it
python tools/make_menders_table.py --check    says whether it is in step (exit code 1)
"""

from __future__ import annotations

import sys
from pathlib import Path

from migrators.pdf.menders.catalogue import table

_TARGET = Path(__file__).resolve().parents[1] / "docs" / "menders.md"
_HEAD = """# Menders: from PDF to PDF/A, rule by rule

<!-- Written by tools/make_menders_table.py from migrators/pdf/menders/table.toml. -->

veraPDF names the rules that a document breaks. For each there is a mender that changes
what the rule asks for and nothing else; then veraPDF judges again, up to five times. So
pages keep their operators, and links, bookmarks, forms, attachments and tags stay where
they are. What no mender helps is Ghostscript's, page by page: of what it writes, content
and resources are set back into the document, where all else has stayed. Where that makes
words unreadable, or does not help either, the page becomes a picture of itself at 300 dpi
with its words beneath.

Before any rule is asked about, pikepdf prepares the document: output intent (the document's
own where it has one that may stay, else sRGB), annotation flags, metadata and Info in step,
encryption with an empty user password removed, lengths and cross-references written anew,
PDF 2.0 declared as 1.7. Empty signature fields stay; a signature does not, as it holds for
the original's bytes alone. Hidden annotations stay, with nothing to be seen of them.

What is lost is told in the report, and most of it fails a check of the proof
([fidelity](fidelity.md)), so that a person looks at it.

Rules are "clause-test" as veraPDF numbers them, of ISO 19005-2 and -3; those of ISO 19005-1
stand behind "1:", those of ISO 19005-3 alone behind "3:".

| Rules | Cause | Mend | Lost | Mender |
|---|---|---|---|---|
"""


def text() -> str:
    """Return the document."""
    lines = []
    for one in table():
        rules = [
            *sorted(one.rules),
            *(f"3:{rule}" for rule in sorted(one.rules_3)),
            *(f"1:{rule}" for rule in sorted(one.rules_1)),
        ]
        cells = (", ".join(rules), one.cause, one.mend, one.lost or "nothing", f"`{one.name}`")
        lines.append("| " + " | ".join(cells) + " |")
    return _HEAD + "\n".join(lines) + "\n"


def main() -> None:
    """Write the table, or compare it."""
    if "--check" in sys.argv[1:]:
        if not _TARGET.is_file() or _TARGET.read_text(encoding="utf-8") != text():
            raise SystemExit("docs/menders.md is not in step: run tools/make_menders_table.py")
        return
    _TARGET.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
