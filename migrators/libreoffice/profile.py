# SPDX-License-Identifier: AGPL-3.0-or-later
"""LibreOffice's settings for reading files of unknown origin, as its profile holds them."""

from __future__ import annotations

import os

# What a document without a language and a paper size gets: with "C", LibreOffice would
# take US Letter and a decimal point.
_LOCALE = os.environ.get("SKANEARKIV_OFFICE_LOCALE", "sv-SE")

_SETTINGS: tuple[tuple[str, str, str], ...] = (
    ("/org.openoffice.Setup/L10N", "ooSetupSystemLocale", _LOCALE),
    ("/org.openoffice.Office.Common/Security/Scripting", "MacroSecurityLevel", "3"),
    ("/org.openoffice.Office.Common/Security/Scripting", "DisableMacrosExecution", "true"),
    ("/org.openoffice.Office.Common/Security/Scripting", "DisablePythonRuntime", "true"),
    # No picture or section is fetched from a link: neither from the network nor from the
    # archive's own disks (a letter could otherwise show /etc/passwd).
    ("/org.openoffice.Office.Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"),
    ("/org.openoffice.Office.Common/Security/Scripting", "DisableActiveContent", "true"),
    ("/org.openoffice.Office.Writer/Content/Update", "Link", "0"),
    ("/org.openoffice.Office.Writer/Content/Update", "Field", "false"),
    ("/org.openoffice.Office.Writer/Content/Update", "Chart", "false"),
    # Comments are counted, not shown: Debian's "nogui" packages lack the window that shows
    # one beside the page, and LibreOffice aborts when it opens it (see mainthread.py).
    ("/org.openoffice.Office.Writer/Content/Display", "Note", "false"),
    ("/org.openoffice.Office.Calc/Content/Update", "Link", "2"),
    # The values that stand in the file, never newly calculated ones.
    ("/org.openoffice.Office.Calc/Formula/Load", "OOXMLRecalcMode", "1"),
    ("/org.openoffice.Office.Calc/Formula/Load", "ODFRecalcMode", "1"),
    # No lock files beside a document; `--nolockcheck` does not stop them in 7.4.
    ("/org.openoffice.Office.Common/Misc", "UseLocking", "false"),
    ("/org.openoffice.Office.Common/Misc", "UseDocumentSystemFileLocking", "false"),
    ("/org.openoffice.Office.Common/Misc", "UseDocumentOOoLockFile", "false"),
    ("/org.openoffice.Office.Recovery/AutoSave", "Enabled", "false"),
    ("/org.openoffice.Office.Recovery/RecoveryInfo", "Enabled", "false"),
    ("/org.openoffice.Office.Common/Misc", "FirstRun", "false"),
    ("/org.openoffice.Office.Common/Save/Document", "CreateBackup", "false"),
    # A picture of the first page in each copy that only this program reads (odf_copy.py):
    # more than half of what writing the copies took, over 54 documents.
    ("/org.openoffice.Office.Common/Save/Document", "GenerateThumbnail", "false"),
    ("/org.openoffice.Office.Java/VirtualMachine", "JavaEnabled", "false"),
)


def _items() -> str:
    return "".join(
        f'<item oor:path="{path}"><prop oor:name="{name}" oor:op="fuse">'
        f"<value>{value}</value></prop></item>\n"
        for path, name, value in _SETTINGS
    )


REGISTRY = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<oor:items xmlns:oor="http://openoffice.org/2001/registry"'
    ' xmlns:xs="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n' + _items() + "</oor:items>\n"
)
