"""Promised limits that are proven broken: rolling 28 days of labelled trials, and a sequential test for attacks.

`trials` says what one labelled transaction counts, `reading` how 28 days compare with a limit, `findings` how a finding
begins, rises, holds and ends, `attacks` is the sequential test, `judging` puts them together for a tenant.
"""
