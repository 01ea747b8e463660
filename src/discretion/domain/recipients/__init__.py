"""Notification of recipients about erasures, corrections and restrictions (GDPR Art. 19).

The ledger shows which client received data of a customer (``disclosed_attributes``), under all names of the
customer there (``person_names``). A step of the request creates one delivery for each recipient
(``notification_steps``, ``recipient_notifier``, ``delivery``). The worker POSTs a signed notification to the
recipient's webhook until it is acknowledged (``delivery_worker``, ``notification``, ``acknowledgement``). A
recipient without a webhook, or one that never acknowledges, is left to a steward, who is warned before the
person's ids are deleted (``manual_deliveries``; ``api`` lists these deliveries). Each acknowledgement updates
the request and its certificate (``notification_result``).

The webhooks are registered with ``discretion recipient`` (``recipient_register``, ``command``).
"""
