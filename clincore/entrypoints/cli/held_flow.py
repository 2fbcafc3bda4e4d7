"""When a client is read from."""

from __future__ import annotations

from uvicorn.protocols.http.flow_control import FlowControl


class HeldFlow(FlowControl):
    """Uvicorn's, but for what has come and is not parsed yet: until it is, nobody lets more come."""

    is_held = False

    def hold(self, is_held: bool) -> None:
        """Say whether something has come that is not parsed yet."""
        if is_held:
            self._transport.pause_reading()
        elif self.is_held and not self.read_paused:
            self._transport.resume_reading()
        self.is_held = is_held

    def resume_reading(self) -> None:
        self.read_paused = False
        if not self.is_held:
            self._transport.resume_reading()
