"""The same work in other ways: one small program for each peer, run as a process of its own.

Programs for `quixstreams` and `faststream` run in a virtual environment of their own (`tests.benchmarks.peer_venv`);
of this project they may import only what needs nothing but the standard library and msgspec.
"""
