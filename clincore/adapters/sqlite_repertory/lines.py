"""The lines of a text file, plain or gzipped, counted for the messages about them."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

from attrs import define

from clincore.domain.errors import RepertoryError
from clincore.domain.progress import silent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

    from clincore.domain.progress import Progress

_GZIP = b"\x1f\x8b"
_EVERY = 20_000


@define
class Lines:
    """One file's lines; ``line`` is the number of the one that was read last."""

    file: Traversable
    line: int = 0

    def read(self, progress: Progress = silent, step: str = "") -> Iterator[bytes]:
        """Yield the lines with their ends; a file that ends in .gz or begins like one is decompressed."""
        self.line = 0
        try:
            with self.file.open("rb") as plain:
                start = plain.read(2)
                total = plain.seek(0, 2)
                plain.seek(0)
                gzipped = self.file.name.endswith(".gz") or start == _GZIP
                for line in gzip.GzipFile(fileobj=plain) if gzipped else plain:
                    self.line += 1
                    if self.line % _EVERY == 0:
                        progress(step, plain.tell(), total)
                    yield line
                progress(step, total, total)
        except (OSError, EOFError, zlib.error) as error:
            raise RepertoryError(f"{self.file.name}: cannot be read after line {self.line} ({error}).") from error

    def error(self, problem: str, line: int | None = None) -> RepertoryError:
        """Return the error about a line, the one that was read last unless another is named."""
        return RepertoryError(f"{self.file.name}, line {line or self.line}: {problem}.")
