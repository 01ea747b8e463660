"""Rights requests: filing, deadlines, identity proofing, decisions and execution.

The life of a request:

1. A caller files it (``submission``). The requester, the right, the laws that protect the customer and a
   first state are recorded in the collection ``requests``. The same request filed twice is one request.
2. While the requester is not identified, the request waits in ``action_required`` with the reason
   ``identity``. The requester proves their identity with a fresh login or with a code sent to a known address
   (``identity_proofing``, ``code_addresses``, ``proven_spelling``, ``mailer``). After 45 days without proof
   the request expires.
   A new address of a correction waits likewise, for 14 days with the reason ``address``, until a code that
   was sent to it is entered (``address_proofing``, ``text_messenger``). Both use ``one_time_codes``.
3. A right that has a workflow (``workflows``) is accepted automatically, unless it needs a decision. A
   steward decides everything else: accept, refuse, extend, pause, resume (``decisions``). The person and the
   privacy office exchange messages that are encrypted under the person's key (``messages``,
   ``sealed_fields``).
4. The workflow runner (``domain.kit.workflow``) executes the steps of an accepted request. Opt-outs, limits
   and restrictions take effect when they are filed (``immediate_rights``, ``restriction``).
5. The last step fulfils the request. A refusal names the provision and the remedies (``remedies``).

Throughout, ``deadlines`` computes the due dates by every law that applies, and ``deadline_monitor`` warns a
week before, a day before and when a request is late.

Reading order: ``model``, ``submission``, ``deadlines``, ``decisions``, ``workflows``, ``immediate_rights``,
``identity_proofing``; then ``api`` (GraphQL) and ``command`` (``discretion rights``).
"""
