"""Errors of the city node's doors.

CityError
├── BadOperatorToken     no operator's token, or a wrong one (`operator-token-refused`)
└── TooLarge             the body is longer than any honest one (`city-request-too-large`)
"""

from __future__ import annotations


class CityError(Exception):
    """The request was refused at the door."""

    code = "city"


class BadOperatorToken(CityError):
    """Vouching is for the city's own operator."""

    code = "operator-token-refused"


class TooLarge(CityError):
    """Reading stopped at the limit."""

    code = "city-request-too-large"
