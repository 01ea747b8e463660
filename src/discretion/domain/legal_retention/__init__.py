"""Legal retention: data that another law or a legal hold keeps after an erasure (GDPR Art. 17(3))."""
