"""Authorisation: a signature is made only over the hashes that the person signed with the seat key.

Sole control (EN 419 241-1): the activation data (SAD) is given for an act of the person and for exactly its hashes,
so that whoever steals it can sign nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cryptography import x509

from evidence.core import act as acts
from evidence.core.canonical import members, unb64u
from evidence.core.origins import proceeding_of
from signing.core.certificate import valid_at
from signing.core.credential import Credential
from signing.errors import (
    ActFromTheFuture,
    HashesDiffer,
    InvalidRequest,
    OutsideValidity,
    SadExpired,
    SadSpent,
    SadUnknown,
    WrongAct,
    WrongCredential,
    WrongLog,
    WrongSeat,
)

REPORT_SIGN = "report.sign"
SHA256_BYTES = 32
# id-sha256 (RFC 5754 section 2) and ecdsa-with-SHA256 (RFC 5758 3.2): one suite until SM2 is added beside it.
SHA256_OID = "2.16.840.1.101.3.4.2.1"
ECDSA_SHA256_OID = "1.2.840.10045.4.3.2"
# Report, expert's record and their parts (protocols.md section 7) fit well; a batch is one prompt for one person.
MAX_HASHES = 16
# Long enough for a client that retries, short enough that a leaked token dies (CSC 1.0.4.0 leaves it to the service).
SAD_LIFETIME = timedelta(seconds=300)
# `iat` is a claim of the seat's clock; offsets of venues above 500 ms are logged, five minutes is no clock any more.
CLOCK_TOLERANCE = timedelta(seconds=300)


@dataclass(frozen=True, slots=True)
class Request:
    """What `credentials/authorize` asks."""

    credential: str
    hashes: tuple[bytes, ...]
    num_signatures: int
    act_jws: str


@dataclass(frozen=True, slots=True)
class Authorisation:
    """A verified act and the hashes it allows; kept for ever, as the reason of each signature."""

    act: bytes
    jws: str
    credential: str
    hashes: tuple[bytes, ...]
    document: bytes


@dataclass(frozen=True, slots=True)
class Grant:
    """What one SAD still allows."""

    act: bytes
    credential: str
    expires: datetime
    remaining: tuple[bytes, ...]


def authorise(request: Request, credential: Credential, *, now: datetime) -> Authorisation:
    """Check an authorisation request; each step refuses with its own code.

    (1) The request has 1 to MAX_HASHES hashes of SHA-256's length, and numSignatures counts them.
    (2) clientData is an act in form, and its signature holds under the seat key bound to the credential.
    (3) The act is `report.sign`, for this proceeding, of this seat.
    (4) Its body is exactly credential, hashes, document; it names this credential.
    (5) Its hashes are those of the request, in order.
    (6) It does not claim a time that has not come.
    (7) The certificate is valid now.
    """
    # (1)
    check_hashes(request.hashes)
    if request.num_signatures != len(request.hashes):
        raise InvalidRequest("numSignatures does not count the hashes")
    # (2)
    act = acts.parse(request.act_jws)
    acts.verify(act, credential.holder.jwk)
    # (3)
    if act.act != REPORT_SIGN:
        raise WrongAct(f"{act.act} does not authorise a signature")
    if proceeding_of(act.aud) != credential.holder.origin:
        raise WrongLog("the act belongs to another proceeding")
    if act.sub != credential.holder.seat:
        raise WrongSeat("the act belongs to another seat")
    # (4)
    body = members(act.body, {"credential": str, "document": str, "hashes": list})
    document = unb64u(body["document"], SHA256_BYTES)
    if not body["credential"] == request.credential == credential.id:
        raise WrongCredential("the act names another credential")
    # (5)
    if tuple(unb64u(h, SHA256_BYTES) for h in body["hashes"]) != request.hashes:
        raise HashesDiffer("the hashes are not those of the act")
    # (6)
    check_time(act, now)
    # (7)
    if not valid_at(x509.load_der_x509_certificate(credential.leaf), now):
        raise OutsideValidity("the certificate is not valid now")
    return Authorisation(act.id, act.jws, credential.id, request.hashes, document)


def check_time(act: acts.Act, now: datetime) -> None:
    """ActFromTheFuture where the act claims a time that has not come. Whoever puts an authorisation into a log asks
    this first: what stands there and cannot be signed with would keep everybody else from signing."""
    if act.iat > (now + CLOCK_TOLERANCE).timestamp():
        raise ActFromTheFuture("the act claims a time that has not come")


def spend(grant: Grant | None, *, credential: str, hashes: Sequence[bytes], now: datetime) -> Grant:
    """What the SAD's grant still allows after signing `hashes`; a hash can be used as often as it was authorised."""
    if grant is None or grant.credential != credential:
        raise SadUnknown("no such SAD for this credential")
    if now >= grant.expires:
        raise SadExpired("the SAD has expired")
    left = Counter(grant.remaining)
    left.subtract(hashes)
    if min(left.values(), default=0) < 0:
        raise SadSpent("the SAD does not, or no longer, allow this hash")
    return replace(grant, remaining=tuple(left.elements()))


def check_hashes(hashes: Sequence[bytes]) -> None:
    """A batch is 1 to MAX_HASHES digests of SHA-256."""
    if not 1 <= len(hashes) <= MAX_HASHES or any(len(h) != SHA256_BYTES for h in hashes):
        raise InvalidRequest(f"1 to {MAX_HASHES} hashes of {SHA256_BYTES} bytes")


def check_algorithms(*, hash_algo: str, sign_algo: str) -> None:
    """Only SHA-256 with ECDSA on P-256."""
    if hash_algo != SHA256_OID or sign_algo != ECDSA_SHA256_OID:
        raise InvalidRequest("only SHA-256 with ECDSA")
