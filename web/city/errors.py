"""Errors of the city node's doors.

CityError
├── BadOperatorToken     no operator's token, or a wrong one (`operator-token-refused`)
├── NotTheMainCentre     the copies of its logs are for the main centre only (`main-token-refused`)
├── NotMirrored          this node's copy does not hold that (`not-mirrored`)
└── TooLarge             the body is longer than any honest one (`city-request-too-large`)
"""

from __future__ import annotations


class CityError(Exception):
    """The request was refused at the door."""

    code = "city"


class BadOperatorToken(CityError):
    """Vouching is for the city's own operator."""

    code = "operator-token-refused"


class NotTheMainCentre(CityError):
    """No token that the main centre's identity key signed for this city."""

    code = "main-token-refused"


class NotMirrored(CityError):
    """No such entries or object here."""

    code = "not-mirrored"


class TooLarge(CityError):
    """Reading stopped at the limit."""

    code = "city-request-too-large"
