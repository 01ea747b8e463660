"""Building blocks that several domain packages share.

``graphql`` has fields, pages, scalars and the resolver context; ``workflow`` runs the steps of rights
requests durably; ``egress`` sends HTTP requests to servers of other organisations, at
addresses that ``ip_address`` accepts; ``strict_json`` refuses JSON whose meaning is open.
"""
