"""Import of a retailer's past: the rows of a file become messages like those of the tracking API.

Reading order:
    1. ``row_file``: the rows of a CSV, JSON lines or Parquet file, in constant memory (``csv_rows``,
       ``json_rows``, ``parquet_rows``)
    2. ``cell``: a cell becomes the JSON value that a message has at its place
    3. ``row_messages``, ``row_statement``: a row becomes messages, by a mapping of the catalogue
    4. ``row_validation``: messages become facts; what is refused or left out is counted by column
       (``column_names``, ``import_tally``)
    5. ``file_import``: facts are ingested, and progress is recorded behind them
    6. ``dry_run``: the same without a database, up to the facts
    7. ``terminal``, ``command``: ``discretion ingest import``

Nothing is written past the rules of the tracking API: the same validator, the same filter of expired data and
the same unification. What differs is where messages come from, and that refused ones are not kept as dead
letters, because the file still has them.
"""
