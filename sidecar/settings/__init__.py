"""Every setting of `sidecar run`, in one place: meaning, unit, default and why, what None means.

`fields.py` has them all; `values.py` the types that they need, `checks.py` what they must be beyond their types.
`sources.py` and `load.py`, where settings come from and how every problem is told at once, serve the registry's too. No
setting is read anywhere else. Imports nothing of ours; imported by `app`, `registry` and `cli`.
"""

from sidecar.settings.fields import Settings
from sidecar.settings.load import SettingsInvalid, load, load_as
from sidecar.settings.sources import Sourced
from sidecar.settings.values import Address

__all__ = ["Address", "Settings", "SettingsInvalid", "Sourced", "load", "load_as"]
