"""The live schema as a normalized text, and the reviewed one that comes with the package."""
