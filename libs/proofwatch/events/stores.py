"""What is kept beside the topics, as `schemas/stores/` declares it: a schema of PostgreSQL, a cache, a folder."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from proofwatch import resources
from proofwatch.governance.purposes import Category, Purpose, allowed
from proofwatch.strict_yaml import InvalidYaml, load_yaml

Text = Annotated[str, Field(min_length=1, max_length=500)]


class InvalidStore(ValueError):
    """A store's manifest cannot be used; the message names file, key and what would be right."""


class Retention(BaseModel):
    """What of a store goes by age, for which purposes and in which categories it was kept.

    `functions`: how the names of the schema's functions for it begin, where it is not the schema's first.
    `days` is the default of the setting `setting`, by which a deployment says its own; 0 there: for ever.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Annotated[str, Field(pattern="^[a-z][a-z_]*$")]
    what: Text
    since: Text
    categories: Annotated[tuple[Category, ...], Field(min_length=1)]
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1)]
    days: Annotated[int, Field(ge=1, le=36_500)]
    setting: Annotated[str, Field(pattern="^PROOFWATCH_KEEP_[A-Z_]+_DAYS$")]
    functions: Annotated[str, Field(pattern="^([a-z][a-z_]*_)?$")] = ""


class Store(BaseModel):
    """One store: whose it is, how it names data subjects, which categories it has for which purposes, and how long.

    `retention`: what the process `privacy` removes when it is old enough.
    `tables`: of tables that are read column by column, for one purpose each, what each column is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern="^[a-z][a-z-]*$")]
    kind: Literal["postgresql", "redis", "files"]
    description: Text
    owner: Annotated[str, Field(pattern="^[a-z][a-z-]*$")]
    subjects: Text
    categories: Annotated[tuple[Category, ...], Field(min_length=1)]
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1)]
    kept: Text
    retention: tuple[Retention, ...] = ()
    tables: dict[str, dict[str, Category]] = {}

    @model_validator(mode="after")
    def _allowed(self) -> Self:
        for purpose in self.purposes:
            for category in self.categories:
                if allowed(category, purpose) is None:
                    msg = f"purposes: {purpose} does not allow the category {category}; leave out one of the two"
                    raise ValueError(msg)
        for rule in self.retention:
            if not {*rule.categories} <= {*self.categories} or not {*rule.purposes} <= {*self.purposes}:
                msg = f"retention: {rule.rule} has a category or a purpose that the store has not"
                raise ValueError(msg)
        columns = {category for table in self.tables.values() for category in table.values()}
        if unnamed := sorted(columns - set(self.categories)):
            msg = f"tables: {', '.join(unnamed)} must be among the categories of the store"
            raise ValueError(msg)
        return self


def load_stores(directory: Path | None = None) -> dict[str, Store]:
    """Return every store by its name, in the order of the names. Raises `InvalidStore`.

    `directory` None: the one that ships with the package.
    """
    stores = [_load(path) for path in sorted((directory or resources.schemas() / "stores").glob("*.yaml"))]
    return {store.name: store for store in stores}


def _load(path: Path) -> Store:
    try:
        store = Store.model_validate(load_yaml(path))
    except InvalidYaml as error:
        raise InvalidStore(str(error)) from None
    except ValidationError as error:
        found = error.errors(include_url=False)
        said = "; ".join(f"{'.'.join(map(str, e['loc']))} {e['msg'].removeprefix('Value error, ')}" for e in found)
        raise InvalidStore(f"{path}: {said.strip()}") from None
    if path.stem != store.name:
        raise InvalidStore(f"{path}: name is {store.name}, so the file must be called {store.name}.yaml")
    return store
