"""Every command of `proofwatch`: a new one is an entry here and a module; the order is that of the overview."""

from typing import Final, NamedTuple


class Command(NamedTuple):
    """Where a command lives: a module with `add_arguments(parser)` and `run(args) -> int`.

    `extra`: what of the distribution it needs; `summary`, `example`: what help says.
    """

    module: str
    extra: str
    summary: str
    example: str


COMMANDS: Final = {
    "demo": Command(
        "services.standalone.demo",
        "standalone",
        "watch a simulated onboarding day go through the whole system, in this terminal",
        "proofwatch demo --events 20000 --seed 7 --out out/demo",
    ),
    "replay": Command(
        "services.standalone.replay",
        "standalone",
        "send your own log of scores through the whole system and write a report",
        "proofwatch replay scores.csv --liveness-threshold 0.98 --out out/replay",
    ),
    "evaluate": Command(
        "services.standalone.evaluate",
        "standalone",
        "compute the ISO/IEC 19795-1 and 30107-3 figures of a labelled score file",
        "proofwatch evaluate scores.csv --liveness-threshold eer --segment skin_tone --format table",
    ),
    "mapping": Command(
        "services.standalone.mapping",
        "standalone",
        "draft a mapping file, which says what the columns and values of a score file mean",
        "proofwatch mapping guess scores.csv --out mapping.yaml",
    ),
    "backtest": Command(
        "services.scorer.backtest.command",
        "standalone,scorer",
        "judge past transactions by another policy and report what changes",
        "proofwatch backtest --policy new.yaml --over transactions.jsonl --labels labels.jsonl --out out/backtest",
    ),
    "explain": Command(
        "services.scorer.explain.command",
        "scorer",
        "re-compute one verdict from its event and basis and show it rule by rule",
        "proofwatch explain tx-88214 --tenant kestrel-telecom --as my.session --reason 'ticket 4711'",
    ),
    "troubleshoot": Command(
        "services.operations.troubleshoot",
        "kafka,postgres,scorer",
        "show one transaction: its path through the stages, event, verdict and why; on record first",
        "proofwatch troubleshoot tx-88214 --tenant kestrel-telecom --by r.mehta --reason 'ticket 4711'",
    ),
    "rates": Command(
        "services.aggregator.queries.rates",
        "standalone,aggregator",
        "show every rate of a tenant over a span, with counts, intervals, limits and label coverage",
        "proofwatch rates --tenant kestrel-telecom --since 24h --by r.mehta",
    ),
    "windows": Command(
        "services.aggregator.queries.windows",
        "standalone,aggregator",
        "list the windows of a tenant with their revisions",
        "proofwatch windows --tenant kestrel-telecom --since 2h --length 5m --format csv --by r.mehta",
    ),
    "handsets": Command(
        "services.aggregator.queries.handsets",
        "standalone,aggregator",
        "compare device models, OS, SDK releases and countries: capture failures, timings, responsiveness",
        "proofwatch handsets --tenant kestrel-telecom --since 7d --segment sdk_version --by r.mehta",
    ),
    "markers": Command(
        "services.aggregator.queries.markers",
        "standalone,aggregator",
        "list the new versions of matcher, PAD, SDK, vendor and policy, and what they changed; or declare one",
        "proofwatch markers --tenant kestrel-telecom --since 30d --by r.mehta",
    ),
    "baseline": Command(
        "services.aggregator.queries.baseline",
        "aggregator",
        "show what is usual for a tenant's rates, or have them begin anew by a person's word",
        "proofwatch baseline show --tenant kestrel-telecom --metric rejection_rate --by r.mehta",
    ),
    "what-if": Command(
        "services.aggregator.queries.what_if",
        "standalone,aggregator",
        "bound what other thresholds would have made of past scores: error rates, retakes, reviews",
        "proofwatch what-if --tenant kestrel-telecom --since 30d --liveness-threshold 0.985 --by r.mehta",
    ),
    "accepted-attacks": Command(
        "services.aggregator.queries.accepted_attacks",
        "standalone,aggregator",
        "list the accepted transactions that labels prove to be attacks, whose accounts are to be held",
        "proofwatch accepted-attacks --tenant kestrel-telecom --since 30d --by r.mehta --reason 'ticket 4711'",
    ),
    "audit": Command(
        "services.auditor.commands.command",
        "auditor",
        "export, prove and check the audit log; run a witness; verify needs nothing but the export",
        "proofwatch audit verify out/demo/audit --key log.pub",
    ),
    "cases": Command(
        "services.triage.commands.cases",
        "triage,access",
        "the cases that are there for you: list and show them; take the next one, give, release and close one",
        "proofwatch cases list --as my.session",
    ),
    "people": Command(
        "services.people.command",
        "access",
        "who may sign in, as what and for which tenants: add, enrol, roles, revoke; every act is on record",
        "proofwatch people list",
    ),
    "tokens": Command(
        "services.people.tokens",
        "access",
        "what machines may read of the console's API, of which tenants, until when: create, list, revoke",
        "proofwatch tokens list --as admin.session",
    ),
    "export": Command(
        "services.outputs.export",
        "kafka,training",
        "give out a set for training models: no account data, sensitive data on each subject's consent alone",
        "proofwatch export training --tenant kestrel-telecom --since 7d --out out/training --by r.mehta --reason m5",
    ),
    "erase": Command(
        "services.privacy.commands.erase",
        "privacy,access",
        "erase a data subject: one person asks, another approves, a receipt stays that names nobody",
        "proofwatch erase request kestrel-telecom sub-c07e51 --as my.session --reason 'ticket 4711'",
    ),
    "hold": Command(
        "services.privacy.commands.hold",
        "privacy,access",
        "keep a data subject's data by a legal hold, or restrict its processing; somebody else lifts it",
        "proofwatch hold list --as my.session",
    ),
    "keys": Command(
        "services.privacy.commands.keys",
        "privacy,access",
        "key-encryption keys in epochs: begin, rewrap, destroy; a destroyed one makes old backups unreadable",
        "proofwatch keys list /run/secrets/key-encryption-keys",
    ),
    "statement": Command(
        "services.outputs.statement",
        "standalone",
        "state what a tenant used in a month, for its bill: JSON, CSV or HTML",
        "proofwatch statement --tenant kestrel-telecom --month 2026-03 --by r.mehta --format csv",
    ),
    "statistics": Command(
        "services.outputs.statistics",
        "postgres",
        "deliver anonymous figures of a tenant's month, every cell of at least k",
        "proofwatch statistics --tenant kestrel-telecom --month 2026-03 --by r.mehta",
    ),
    "privacy": Command(
        "services.privacy.commands.scan",
        "privacy,access,training",
        "look for a data subject in every table, topic, Redis and folder; show what goes by age",
        "proofwatch privacy scan kestrel-telecom sub-c07e51 --reason 'erased in May' --folder out",
    ),
    "register": Command(
        "services.operations.register",
        "",
        "write the register of processing (GDPR Art. 30) from manifests and tenants' settings",
        "proofwatch register --tenant kestrel.yaml --organisation organisation.yaml",
    ),
    "imagery": Command(
        "services.imagery.commands.command",
        "imagery",
        "hold what was opened against what the store of imagery gave",
        "proofwatch imagery reconcile access.log",
    ),
    "run": Command(
        "services.operations.run",
        "kafka,postgres,scorer,aggregator,triage,notifier,imagery,privacy",
        "run one service on Kafka until it is told to stop",
        "PROOFWATCH_KAFKA_BOOTSTRAP=127.0.0.1:9092 proofwatch run scorer",
    ),
    "topics": Command(
        "services.operations.topics",
        "kafka",
        "create the topics of schemas/topics on Kafka, show what differs, or widen them",
        "proofwatch topics apply --bootstrap 127.0.0.1:9092",
    ),
    "acls": Command(
        "services.operations.acls",
        "kafka",
        "print the least rights that every process needs, on Kafka and in PostgreSQL",
        "proofwatch acls --format sql --database proofwatch",
    ),
    "publish": Command(
        "services.standalone.publish",
        "standalone,kafka",
        "send a test transaction, a file or simulated traffic to Kafka, as upstream would",
        "proofwatch publish --simulate 20000 --rate 200 --tenant test --bootstrap 127.0.0.1:9092",
    ),
    "schemas": Command(
        "services.operations.schemas",
        "registry",
        "register the events' schemas in a schema registry, or ask whether it would take them",
        "proofwatch schemas register --registry http://127.0.0.1:8080/apis/ccompat/v7 --format avro",
    ),
    "migrate": Command(
        "services.operations.migrate",
        "postgres",
        "create or update the tables of every service",
        "PROOFWATCH_POSTGRES_DSN=postgresql://127.0.0.1/proofwatch proofwatch migrate",
    ),
    "backup": Command(
        "services.operations.backup",
        "kafka",
        "say whether what is needed could be restored, before a backup and from one (docs/backup.md)",
        "proofwatch backup check --dsn postgresql://127.0.0.1/restored_copy",
    ),
    "restore": Command(
        "services.operations.restore",
        "kafka",
        "compare a restored database with the topics, and take an older one into service (docs/backup.md)",
        "proofwatch restore check",
    ),
    "dlq": Command(
        "services.operations.dlq",
        "kafka",
        "see what could not be processed and why, and send it again",
        "proofwatch dlq list --since 2h",
    ),
    "subjects": Command(
        "services.operations.subjects",
        "kafka",
        "show which states of subjects block a partition of the scorer, and repair them",
        "proofwatch subjects repair --partition 3",
    ),
    "policy": Command(
        "services.governance.policy",
        "governance",
        "check, propose, approve, activate and roll back policies, under four eyes",
        "proofwatch policy propose new.yaml --key ada.key --keyring keyring.yaml",
    ),
    "tenant": Command(
        "services.governance.tenant",
        "governance",
        "govern a tenant's contract, time zone, segments and lawful bases in the same way",
        "proofwatch tenant check acme.yaml",
    ),
    "notify": Command(
        "services.notifier.commands.notify",
        "postgres",
        "show what people were told and why; silence, and take care of it",
        "proofwatch notify explain 5f0e1c52-0d3f-5c9c-8b0a-0d6c3a6f0001 --as my.session",
    ),
    "control": Command(
        "services.governance.control",
        "kafka",
        "turn protective measures on and off for a cohort",
        "proofwatch control on step_up_mfa --cohort acme/os=android --expires-at +72h",
    ),
    "pattern": Command(
        "services.triage.commands.patterns",
        "triage,access",
        "attack patterns: draft one from a novel case, propose, approve, put in shadow, then live, withdraw",
        "proofwatch pattern check emulators.yaml --over transactions.jsonl",
    ),
    "health": Command(
        "services.operations.health",
        "kafka",
        "ask a running service whether it does its work (exit code 0 or 1)",
        "proofwatch health --port 8080",
    ),
}
