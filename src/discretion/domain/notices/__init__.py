"""What people are told about their data: the privacy notice, and the record of processing activities.

Both are made from the catalogue and the law, so that what is promised is what is done. The sentences
around the facts are written, in ``schema/notices``. A notice has editions; what an edition said is
kept (``schema/notices/printed``), so that nobody changes what is done without saying so.
"""
