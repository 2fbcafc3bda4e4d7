"""The laws, one file a port: what every adapter holds to, said by a name, a docstring and a function."""

from __future__ import annotations
