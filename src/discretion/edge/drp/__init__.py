"""The protocol of authorised agents: Data Rights Protocol (DRP) 1.0.

Source: Consumer Reports, "Data Rights Protocol",
https://github.com/consumer-reports-innovation-lab/data-rights-protocol.

Modules: ``endpoints`` (all routes but one), ``signed_request`` (signature and validity), ``request_claims``
(what is requested), ``identity_verification`` with ``verification_page`` (where customers prove who they
are), ``status`` and ``error_response`` (responses), ``directory`` (the entry by which agents find this
business), ``protocol_terms`` (the constants of the protocol).
"""
