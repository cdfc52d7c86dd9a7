"""The verdict on a signed report: valid, invalid or undetermined, with a stable code for each reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Outcome(Enum):
    """The three main results of EN 319 102-1 section 5.1.3."""

    VALID = "valid"
    INVALID = "invalid"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Finding:
    """Why a report is not valid: `code` is stable, `seat` is empty where the whole file is meant."""

    code: str
    seat: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class SignatureSeen:
    """One signature of the file; `claimed` is the signer's own time, `certificate` the SHA-256 of the leaf."""

    seat: str
    certificate: bytes
    name: str
    claimed: datetime


@dataclass(frozen=True, slots=True)
class ReportVerdict:
    """What a report's signatures are worth. `document` is the SHA-256 of the locked report that all of them cover."""

    outcome: Outcome
    signatures: tuple[SignatureSeen, ...] = ()
    findings: tuple[Finding, ...] = ()
    document: bytes = b""

    @property
    def code(self) -> str:
        """The first finding's code, or `valid`."""
        return self.findings[0].code if self.findings else Outcome.VALID.value


def judge(
    findings: tuple[Finding, ...], signatures: tuple[SignatureSeen, ...] = (), document: bytes = b""
) -> ReportVerdict:
    """No finding means valid, any finding invalid."""
    return ReportVerdict(Outcome.INVALID if findings else Outcome.VALID, signatures, findings, document)


def unreadable(detail: str) -> ReportVerdict:
    """The file cannot be read as a signed PDF at all, so nothing can be said about its signatures."""
    return ReportVerdict(Outcome.UNDETERMINED, findings=(Finding("report-unreadable", detail=detail),))
