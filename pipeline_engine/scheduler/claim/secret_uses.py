"""Which secrets steps are given: their versions say when they were used, the audit log by whom."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline_engine.domain.audit_log import Act, Record
from pipeline_engine.domain.expressions import ledger_of
from pipeline_engine.scheduler.actions.prepared import Prepared
from pipeline_engine.scheduler.transaction import Transaction
from pipeline_engine.storage import audit_log
from pipeline_engine.storage.secrets import Key, note_use


@dataclass(slots=True)
class SecretUses:
    """The uses in one transaction, written at its end."""

    tx: Transaction
    _due: set[Key] = field(default_factory=set)  #: versions whose last use is to be noted
    _records: dict[str, Record] = field(default_factory=dict)

    def note(self, step: Prepared) -> None:
        """Remember what *step* was given, if that is news: once for each execution and version."""
        ledger, known = ledger_of(step.scope), step.facts.known_secrets
        for name in ledger.named if ledger else ():
            key: Key | None = known.keys.get(name)
            if key is not None and name in known.due:
                self._due.add(key)
            once = f"{Act.SECRET_USE} {step.facts.id} {name} {key}"
            if once not in self.tx.runtime.recorded:
                self._records[once] = _record(step, name, key, once)

    def write(self) -> None:
        """Write down what was noted."""
        if self._due:
            note_use(self.tx.connection, self._due)
        if self._records:
            audit_log.write_once(self.tx.connection, self._records.values())
            self.tx.recorded.update(self._records)


def _record(step: Prepared, name: str, key: Key | None, once: str) -> Record:
    facts = step.facts
    # Without a key it is one of the installation.
    about = {"version": key[1]} if key else {"installation": True}
    return Record(
        act=Act.SECRET_USE,
        principal=facts.authority.started_by or None,
        acted_for=facts.user_id,
        owner=facts.authority.secrets_of if key else None,
        target=name,
        details={"execution_id": str(facts.id), "step_id": step.row.step_id, **about},
        once=once,
    )
