"""Every setting of `sidecar run`, in one place: meaning, unit, default and why, what None means.

`fields.py` has them all; `values.py` the types that they need, `checks.py` what they must be beyond their types,
`load.py` where they come from and how every problem is told at once. No setting is read anywhere else. Imports nothing
of ours; imported by `app` and `cli`.
"""

from sidecar.settings.fields import Settings
from sidecar.settings.load import SettingsInvalid, load
from sidecar.settings.values import Address

__all__ = ["Address", "Settings", "SettingsInvalid", "load"]
