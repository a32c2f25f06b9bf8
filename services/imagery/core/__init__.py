"""Pure rules of imagery: which bytes are taken for a picture, where one may lie, and what is written across it."""
