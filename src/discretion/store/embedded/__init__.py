"""A MongoDB server that the process starts itself, for evaluation and tests.

Modules: ``mongod`` (the program and its arguments), ``mongo_server`` (the running server).
"""
