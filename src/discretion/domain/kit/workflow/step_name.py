"""Names of the steps that carry out rights requests."""

from __future__ import annotations

from enum import StrEnum


class StepName(StrEnum):
    """A step of a workflow.

    The member is named after the class or function that runs the step. The value is the name stored in
    ``requests.steps.name``, shown in the API and counted in certificates; it never changes, because requests
    that were filed by an earlier version still carry it.
    """

    DELETE_PROFILE = "depart"  # remove the customer and keep a snapshot of what later steps need
    RECORD_ERASURE = "remember"  # append to the erasure ledger, so that a restored backup repeats the erasure
    NOTIFY_RECIPIENTS = "tell"  # create one delivery for each recipient (GDPR Art. 19)
    PURGE_COLLECTIONS = "purge"  # delete what other collections hold of the customer
    SHRED_KEYS = "shred"  # destroy the data keys, so that older copies cannot be decrypted
    VERIFY_ERASURE = "verify"  # search every collection for what should be gone
    AWAIT_ACKNOWLEDGEMENTS = "told"  # wait until each recipient has acknowledged or a steward took over
    SIGN_CERTIFICATE = "certify"  # sign the certificate of erasure
    RESTRICT_PROCESSING = "restrict"  # restrict processing, or lift the restriction (GDPR Art. 18)
    CORRECT_VALUES = "correct"  # apply corrected values (GDPR Art. 16)
    GATHER_PACKAGE = "gather"  # collect a copy of the data (GDPR Art. 15 and 20)
    CLEAR_FAILED_ATTEMPTS = "ready"  # delete what interrupted attempts to gather left behind
    SEND_PACKAGE = "send"  # transmit the package to another controller (GDPR Art. 20(2))
    APPLY_IMMEDIATE_RIGHT = "say"  # record an opt-out of sale or a limit on sensitive data
