"""The errors of this room."""

from __future__ import annotations


class BundleInvalid(Exception):
    """Bytes that are no bundle, or not one that may be believed. Its text says why."""


class KeyInvalid(Exception):
    """A key that signs no bundles, or that OPA would not verify with. Its text says why."""
