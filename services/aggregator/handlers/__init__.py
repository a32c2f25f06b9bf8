"""The stages: decode, load, ask the core, save and emit."""
