"""Errors of the signing package. Bytes that break the layouts of `evidence` raise its Malformed and Untrusted.

SigningError
├── InvalidRequest           a parameter is missing, unknown or out of form (`invalid-request`)
├── UnknownCredential        no credential of this id (`unknown-credential`)
├── SeatAlreadyBound         the seat has a credential for another key or person (`seat-already-bound`)
├── NotAuthorised            the authorisation does not cover what is asked (`not-authorised`)
│   ├── WrongAct             the act is not `report.sign` (`wrong-act`)
│   ├── WrongLog             the act belongs to another proceeding (`wrong-log`)
│   ├── WrongSeat            the act belongs to another seat (`wrong-seat`)
│   ├── WrongCredential      the act names another credential (`wrong-credential`)
│   ├── HashesDiffer         the request's hashes are not those of the act (`hashes-differ`)
│   ├── ActFromTheFuture     the act claims a time that has not come (`act-from-the-future`)
│   ├── OutsideValidity      the certificate is not valid now (`outside-validity`)
│   ├── SadUnknown           this SAD was never given for this credential (`sad-unknown`)
│   ├── SadExpired           the SAD is too old (`sad-expired`)
│   └── SadSpent             the SAD does not, or no longer, allow this hash (`sad-spent`)
├── KeyNotReadable           a sealed key does not open: other master key, or a swapped blob (`key-not-readable`)
├── MasterKeyRefused         the master key file is missing, readable by others, or not 32 bytes (`master-key-refused`)
├── AuthorityRefused         the certificate authority's folder is not one that we made (`authority-refused`)
├── ReportNotSignable        the PDF cannot be locked or signed (`report-not-signable`)
├── PreparedMismatch         act, certificate or signature do not belong to the prepared bytes (`prepared-mismatch`)
├── SigningRefused           the signing service refused; `reason` is its code (`signing-refused`)
└── SigningUnavailable       the signing service did not answer; try again (`signing-unavailable`)
"""

from __future__ import annotations


class SigningError(Exception):
    """Something is wrong with a signature or a key; `code` is stable, the text is for engineers."""

    code = "signing"


class InvalidRequest(SigningError):
    """A parameter is missing, unknown or out of form."""

    code = "invalid-request"


class UnknownCredential(SigningError):
    """No credential of this id is kept here."""

    code = "unknown-credential"


class SeatAlreadyBound(SigningError):
    """The seat already has a credential, for another key or another person."""

    code = "seat-already-bound"


class NotAuthorised(SigningError):
    """The authorisation does not cover what is asked."""

    code = "not-authorised"


class WrongAct(NotAuthorised):
    """Only `report.sign` authorises a signature."""

    code = "wrong-act"


class WrongLog(NotAuthorised):
    """The act belongs to another proceeding."""

    code = "wrong-log"


class WrongSeat(NotAuthorised):
    """The act belongs to another seat."""

    code = "wrong-seat"


class WrongCredential(NotAuthorised):
    """The act names another credential."""

    code = "wrong-credential"


class HashesDiffer(NotAuthorised):
    """What the request wants signed is not what the person signed over."""

    code = "hashes-differ"


class ActFromTheFuture(NotAuthorised):
    """The act claims a time that has not come."""

    code = "act-from-the-future"


class OutsideValidity(NotAuthorised):
    """The certificate is not yet, or no longer, valid."""

    code = "outside-validity"


class SadUnknown(NotAuthorised):
    """This signature activation data was never given for this credential."""

    code = "sad-unknown"


class SadExpired(NotAuthorised):
    """The signature activation data is too old."""

    code = "sad-expired"


class SadSpent(NotAuthorised):
    """The signature activation data does not, or no longer, allow this hash."""

    code = "sad-spent"


class KeyNotReadable(SigningError):
    """A sealed key does not open: another master key, or a blob that belongs to another credential."""

    code = "key-not-readable"


class MasterKeyRefused(SigningError):
    """The master key file is missing, readable by others, or not 32 bytes long."""

    code = "master-key-refused"


class AuthorityRefused(SigningError):
    """The folder does not hold a certificate authority that we made."""

    code = "authority-refused"


class ReportNotSignable(SigningError):
    """The PDF cannot be locked, or has no empty field for this seat."""

    code = "report-not-signable"


class PreparedMismatch(SigningError):
    """The act, the certificate or the signature does not belong to the prepared bytes."""

    code = "prepared-mismatch"


class SigningRefused(SigningError):
    """The signing service refused; asking again will not help."""

    code = "signing-refused"

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason


class SigningUnavailable(SigningError):
    """The signing service did not answer; nothing is lost, ask again with the same act."""

    code = "signing-unavailable"
