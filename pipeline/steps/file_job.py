# SPDX-License-Identifier: AGPL-3.0-or-later
"""One file through validate, decide, migrate and verify, on a worker.

Works on a copy that is proven to be the content that was surveyed; writes only below its
worker's scratch folder, out of which goes what is finished, before the next file is begun:
the tools that are given that one cannot reach it. Touches no database. Every failure is a
result.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

from format_registry.policy import Rule, decide
from migrators.base import Options
from migrators.catalogue import migrators
from pipeline.core.budget import MIB, budget
from pipeline.core.errors import ChangedError, FileError, StorageError, from_os_error
from pipeline.core.hashing import digest
from pipeline.core.measuring import stage, tool
from pipeline.core.records import (
    Action,
    Agent,
    Decision,
    Event,
    EventType,
    MigrationResult,
    Outcome,
    ValidationResult,
    Verdict,
    now,
)
from pipeline.core.staging import fsync_file
from pipeline.core.versions import own_agent
from pipeline.steps import answers, disk, evidence, handed, workplace
from pipeline.steps.jobs import Context, FileJob, FileResult
from pipeline.steps.validate import facts, first_error, obstacle, summary, validate
from pipeline.steps.verify import Proof, verify
from pipeline.storage.sources import source
from validators.catalogue import validators
from validators.pdf_signatures import shown


def process(job: FileJob, context: Context) -> FileResult:
    """Return what became of a file whose content and format are known."""
    started = time.monotonic()
    folder = context.workplace() / workplace.attempt(job.file, job.generation)
    result = FileResult(job.file, Outcome.TOOL_FAILURE, "file.tool_failure", "")
    try:
        _made(folder)
        result = handed.over(_Way(job, context, folder).go(), context, folder)
    except FileError as error:
        result = replace(
            result, outcome=error.outcome, code=error.code, detail=_clean(error.detail, folder)
        )
    except OSError as error:
        told = from_os_error(error)
        result = replace(result, outcome=told.outcome, code=told.code, detail=told.detail)
    finally:
        result = disk.blamed(result, job, folder)
        handed.tidy(result, context, folder)
        workplace.sweep(context.scratch)
    return replace(result, seconds=round(time.monotonic() - started, 3))


def _made(folder: Path) -> None:
    """Make the folder of an attempt. Raises DiskFullError, StorageError.

    Where a worker may not write to its scratch folder, no file is to blame.
    """
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        told = from_os_error(error)
        if told.outcome is Outcome.DISK_FULL:
            raise told from error
        raise StorageError(f"{folder.parent} cannot be written: {error.strerror}") from error


def _clean(text: str, folder: Path) -> str:
    """Take the staging folder's name out of what tools say: it differs on every run."""
    return text.replace(f"{folder}/in/", "").replace(f"{folder}/", "")


class _Way:
    """The way of one file; what was found so far goes into the result, also on failure."""

    def __init__(self, job: FileJob, context: Context, folder: Path) -> None:
        self.job = job
        self.context = context
        self.folder = folder
        self.limits = context.settings.limits
        self.seconds = max(self.limits.seconds_for(job.size), job.seconds)
        self.result = FileResult(job.file, Outcome.OK, "", "")
        self.events: list[Event] = []

    def go(self) -> FileResult:
        try:
            with stage("snapshot"):
                path = self._snapshot()
            self._validate(path)
            if self._settled():
                return self._finish()
            rule = self._decide()
            if rule is not None:
                self._migrate(path, rule)
        except FileError as error:
            self._set(error.outcome, error.code, error.detail)
        return self._finish()

    def _set(self, outcome: Outcome, code: str, detail: str) -> None:
        clean = _clean(detail, self.folder)
        self.result = replace(self.result, outcome=outcome, code=code, detail=clean)

    def _finish(self) -> FileResult:
        return replace(self.result, events=tuple(self.events))

    def _event(
        self,
        type_: EventType,
        outcome: str,
        detail: str,
        agents: tuple[Agent, ...] = (),
        subject: str = "source",
    ) -> None:
        text = _clean(detail, self.folder)
        self.events.append(Event(type_, now(), outcome, text, agents or (own_agent(),), subject))

    def _snapshot(self) -> Path:
        """Return a path with an ASCII name that holds the surveyed content."""
        inside = self.folder / "in"
        inside.mkdir()
        path = inside / workplace.safe_name(self.job.raw)
        delivery = source(self.context.source, self.context.settings.storage)
        origin = delivery.local(self.job.raw)
        if origin is not None and self.job.size > self.limits.snapshot_mib * MIB:
            path.symlink_to(origin)
            return path
        if delivery.fetch(self.job.raw, path).sha256 != self.job.sha256:
            raise ChangedError("the content is not what was identified")
        return path

    def _validate(self, path: Path) -> None:
        with stage("validate"), budget(self.seconds, self.limits.memory):
            known = self.job.identification
            found = validate(path, known.puid, known.candidates)
        results = tuple(self._cleaned(result) for result in found)
        self.result = replace(self.result, validations=results)
        for one in results:
            word = {"valid": "success", "invalid": "failure"}.get(one.verdict.value, "warning")
            message = first_error(one) if one.verdict is not Verdict.VALID else None
            said = f": {message.code} {message.detail}" if message else ""
            self._event(
                EventType.VALIDATION,
                word,
                f"{one.validator}: {one.verdict.value}{said}",
                one.agents,
            )
            for signature in one.signatures:
                self._event(
                    EventType.SIGNATURE, signature.status.event, shown(signature), one.agents
                )

    def _cleaned(self, result: ValidationResult) -> ValidationResult:
        messages = tuple(
            replace(one, detail=_clean(one.detail, self.folder)) for one in result.messages
        )
        return replace(result, messages=messages)

    def _settled(self) -> bool:
        """Whether validation or identification bars any further work."""
        barred = obstacle(self.result.validations)
        if barred is not None:
            message = first_error(barred)
            self._set(barred.outcome, message.code, message.detail)
            return True
        found = self.job.identification
        if found.puid is None:
            self._set(Outcome.UNIDENTIFIED, "identify.unknown", answers.clues(found))
            return True
        if found.conflict:
            told = answers.answers(found) or ", ".join(found.candidates)
            self._set(Outcome.REVIEW, "identify.conflict", told)
            return True
        return False

    def _decide(self) -> Rule | None:
        """Record the decision; return the rule if it asks for a migration."""
        policy = self.context.policy
        known = facts(self.result.validations)
        decision = decide(policy, self.job.identification.puid or "", known)
        self.result = replace(self.result, decision=decision)
        detail = f"{decision.action.value} by rule {decision.rule or '(none)'}: {decision.reason}"
        if known.get("signatures"):
            detail += "; the original is kept because it is signed"
        version = f"{policy.header.name} {policy.header.version}, SHA-256 {policy.sha256}"
        self._event(EventType.DECISION, "success", f"{detail}; policy {version}")
        if decision.action is Action.MIGRATE:
            return policy.rule(decision.rule)
        if decision.action is Action.KEEP:
            self._keep(decision)
        elif decision.action is Action.REJECT:
            self._set(Outcome.REJECTED, "policy.rejected", decision.reason)
        elif decision.rule:
            self._set(Outcome.REVIEW, "policy.review", decision.reason)
        else:
            self._set(Outcome.UNSUPPORTED, "policy.no_rule", self.job.identification.puid or "")
        return None

    def _keep(self, decision: Decision) -> None:
        verdict = summary(self.result.validations)
        if verdict is Verdict.INVALID:
            bad = next(one for one in self.result.validations if one.verdict is Verdict.INVALID)
            message = first_error(bad)
            self._set(Outcome.INVALID, message.code, message.detail)
        elif verdict is Verdict.UNDECIDED:
            # The policy wants it kept, but nobody could say that it is whole.
            self._set(Outcome.REVIEW, "validation.none", decision.reason)
        else:
            self._set(Outcome.OK, "policy.kept", decision.reason)

    def _migrate(self, original: Path, rule: Rule) -> None:
        target = self.context.policy.targets[rule.target]
        migrator = migrators()[rule.migrator]
        out, work = self.folder / "out", self.folder / "work"
        out.mkdir()
        work.mkdir()
        output = out / f"target.{target.extension}"
        puid = self.job.identification.puid or ""
        known = facts(self.result.validations)
        options = Options(
            puid=puid,
            target=rule.target,
            workdir=work,
            judge=validators()[target.validator].validate,
            settings=rule.settings,
            facts=known,
        )
        started = time.monotonic()
        try:
            with (
                stage("migrate"),
                tool(rule.migrator),
                budget(self.seconds, self.limits.memory),
            ):
                note = migrator.migrate(original, output, options)
        except FileError as error:
            self._event(
                EventType.NORMALIZATION,
                "failure",
                f"{rule.migrator}: {error.detail}",
                migrator.agents(),
            )
            raise
        seconds = round(time.monotonic() - started, 3)
        fsync_file(output)
        made = digest(output)
        self._event(
            EventType.NORMALIZATION,
            "success",
            f"{rule.migrator} by {note.method} to {rule.target}, SHA-256 {made.sha256}",
            note.agents,
            "output",
        )
        messages = tuple(
            replace(one, detail=_clean(one.detail, self.folder)) for one in note.messages
        )
        migration = MigrationResult(
            migrator=rule.migrator,
            target=rule.target,
            method=note.method,
            staged=f"{self.folder.name}/out/{output.name}",
            extension=target.extension,
            size=made.size,
            sha256=made.sha256,
            puid=None,
            messages=messages,
            seconds=seconds,
        )
        with stage("verify"), budget(self.seconds, self.limits.memory):
            proof = verify(
                original, output, puid, rule, target, {**known, "workdir": os.fspath(work)}
            )
        self._prove(migration, replace(proof, checks=proof.checks + note.checks))

    def _prove(self, migration: MigrationResult, proof: Proof) -> None:
        checked = replace(proof.validation, messages=self._cleaned(proof.validation).messages)
        made = proof.identification
        self.result = replace(
            self.result,
            migration=replace(
                migration, puid=made.puid, format_name=made.name, format_version=made.version
            ),
            target=(checked,),
            checks=proof.checks,
            evidence=evidence.keep(proof.pictures, self.folder),
        )
        self.events.extend(
            replace(event, detail=_clean(event.detail, self.folder)) for event in proof.events()
        )
        failed = [check.property for check in proof.checks if not check.passed]
        if failed:
            self._set(Outcome.REVIEW, f"check.{failed[0]}", ", ".join(failed))
        else:
            self._set(Outcome.OK, "policy.migrated", migration.method)
