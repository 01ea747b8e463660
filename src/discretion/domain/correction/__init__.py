"""Correction of inaccurate personal data by the customer (GDPR Art. 16).

How it works:

1. ``proposed_change`` checks the proposed values against the catalogue. ``proposal`` seals them under the
   customer's key, for the request that ``requests`` files.
2. While the request is open, ``contest_flags`` restricts the use of the contested values (GDPR Art.
   18(1)(a)).
3. ``correction_step`` applies the correction when the request is approved. The corrected values are stored in
   a source record of the customer's own (``correction_record``), which takes precedence over all sources.
"""
