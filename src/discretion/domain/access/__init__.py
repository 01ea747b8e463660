"""Right of access: the package with all data of one customer, how it is built and how it is delivered.

A request for access, portability or recipients (GDPR Art. 15 and 20) passes these steps:

1. ``gather`` reads all sections and stores them as sealed pages under the customer's key.
2. ``ready`` deletes the pages of failed attempts.
3. ``send`` (portability to another controller only) posts ``package.json`` to the URL the customer named.

The customer then fetches the package as a ZIP file through a link that works once.

Modules in reading order:

- ``package_sections``: the sections of a package and their columns
- ``package_steps``: the steps ``gather`` and ``ready``
- ``package_subject``, ``access_limits``: the customer a package is about, and what may not be shown to them
- ``processing_information``, ``profile_sections``, ``subject_history``: readers of the sections
- ``package_page``: sealed pages in the database
- ``zip_archive``, ``format``: the ZIP file and its file formats
- ``download_links``, ``api``: links that work once, and the mutation ``openPackage``
- ``transfer``: the step ``send``
"""
