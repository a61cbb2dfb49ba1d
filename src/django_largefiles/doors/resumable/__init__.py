"""One URL for tus 1.0.0 and the IETF draft; which of them a request speaks its headers tell."""
