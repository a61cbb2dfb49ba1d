"""OpenAPI by drf-spectacular, for hosts that have it: what it cannot read from the views of the API."""
