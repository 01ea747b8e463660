"""Retention: expired data are not collected, and stored data are deleted when they expire.

Retention periods are in the catalogue; ``catalogue.retention_cut_off`` turns them into cut-off times. Between
the expiry of a value and its deletion, ``reveal`` withholds it.

Reading order: ``intake_filter`` (expired data of new messages), ``expired_values`` (what of a source record
has expired), ``sweep`` and ``sweep_run`` (deletion, customer by customer), ``daily_sweep`` (the background
task), ``terminal`` (output of the command line).
"""
