"""The contracts: wire types generated from `schemas/`, their codecs, and the topics they travel on."""
