"""Which schema a unit used for a record: what a store knows of schemas and who announced them."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from fieldbeat.protocols import cbor, schema, schema_map

from .store import Store


class Schemas:
    """The schemas of a store, kept in memory: one object for one schema."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._schemas: dict[tuple[int, int], schema.Schema] = {}
        self._announced: dict[tuple[str, int, int], list[tuple[int, int]]] = {}

    def forget(self) -> None:
        """Forget what was learned in a transaction that failed, or before others wrote."""
        self._schemas.clear()
        self._announced.clear()

    def find(self, unit: str, run: int, rn: int, schema_id: int) -> schema.Schema | None:
        """Return the schema that a unit used for a record, or None if it did not come yet."""
        hash_ = self.hash_of(unit, run, rn, schema_id)
        if hash_ is None:
            return None
        key = (schema_id, hash_)
        if key not in self._schemas:
            map_ = self._store.schema_map(*key)
            if map_ is None:
                return None
            self._schemas[key] = schema_map.from_map(cbor.decode(map_))
        return self._schemas[key]

    def hash_of(self, unit: str, run: int, rn: int, schema_id: int) -> int | None:
        """Return the hash of the schema that a unit used for a record.

        That is the one it announced last before the record, or else first after it.
        """
        key = (unit, run, schema_id)
        if key not in self._announced:
            self._announced[key] = self._store.announced(*key)
        found = None
        for from_rn, hash_ in self._announced[key]:
            if found is None or from_rn <= rn:
                found = hash_
        return found

    def add(self, learned: schema.Schema) -> int:
        """Keep a schema and return its hash."""
        hash_ = schema_map.hash_of(learned)
        self._store.add_schema(learned.id, hash_, cbor.encode(schema_map.to_map(learned)))
        return hash_

    def announce(self, unit: str, run: int, rn: int, schema_id: int, hash_: int) -> None:
        """Note which schema counts from a record on."""
        self._store.announce_schema(unit, run, schema_id, rn, hash_)
        del self._announced[unit, run, schema_id]
