"""Resumable uploads: one URL for tus 1.0.0 and the IETF draft, chosen by the headers of a request."""
