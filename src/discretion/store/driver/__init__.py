"""MongoDB calls, transactions and error translation, over PyMongo's asyncio API or Motor.

Modules: ``connection`` (from a URL to a database), ``database`` (the calls), ``write_operation`` (writes as
values), ``error_translation`` (the driver's errors as the platform's), ``server_check`` (requirements for the
server).
"""
