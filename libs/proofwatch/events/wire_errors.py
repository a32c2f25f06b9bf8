"""What can be wrong between us and a schema registry; errors of `wire` and of what it is made of."""


class InvalidWire(ValueError):
    """The settings do not go together, or the registry lacks our schemas: stop at start-up."""


class RegistryUnavailable(Exception):
    """The registry does not answer as one: retry; nothing is wrong with the records."""


class UnknownSchemaId(Exception):
    """The schema of a framed value was not fetched: `await wire.prepare(values)`, then decode again."""

    def __init__(self, schema_id: int) -> None:
        super().__init__(f"schema {schema_id} is not known yet")
        self.schema_id = schema_id
