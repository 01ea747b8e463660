"""Legal retention: data that another law or a legal hold keeps after an erasure (GDPR Art. 17(3)).

- ``retained_items``: selects what is retained and moves it to the collection ``held``
- ``legal_holds``: places and lifts legal holds
- ``retained_data_expiry``: deletes retained data when the law no longer orders them kept
- ``api``: queries and mutations for stewards
"""
