"""What ClinCore should do, in plain dictionaries: written without the services, the ports and the adapters."""

from __future__ import annotations
