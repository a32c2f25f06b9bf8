"""Tests of the incident stage."""
