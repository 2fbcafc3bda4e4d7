"""The deployment's checklist, as far as the database can tell."""
