"""What some adapters of a port promise and others do not."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Capabilities:
    """What a database promises beyond its port. The suite asserts what is declared, and says what holds undeclared."""

    durable: bool = False
    """What was committed is there after the database was closed and opened again."""
    concurrent: bool = False
    """A unit of work goes on while one of another tenant is open."""
    shared: bool = False
    """Several databases may be opened on one place at once, as several processes do, and see each other's commits."""


@frozen(kw_only=True)
class MethodCapabilities:
    """What a ranking method promises beyond its port."""

    linear: bool = False
    """With every weight times k, scores of an acute course are times k, before they are rounded."""
