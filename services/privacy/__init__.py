"""Erasure of data subjects, holds, data keys and their epochs, and the search for what is left of somebody."""
