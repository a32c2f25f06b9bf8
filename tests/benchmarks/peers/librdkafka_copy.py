"""librdkafka pass-through: what the C client does with Python only handing the bytes on."""

from confluent_kafka import Consumer, Producer

from tests.benchmarks.peers.meter import Job, Meter, job, tune_garbage_collector


def main(work: Job) -> None:
    """Copy records; offsets are committed at the end, after everything was acknowledged."""
    consumer = Consumer(
        {
            "bootstrap.servers": work.bootstrap,
            "group.id": work.group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "fetch.max.bytes": 32 << 20,
        }
    )
    producer = Producer(
        {
            "bootstrap.servers": work.bootstrap,
            "linger.ms": 20,
            "enable.idempotence": True,
            "queue.buffering.max.messages": 500_000,
        }
    )
    consumer.subscribe([work.source])
    tune_garbage_collector()
    meter = Meter(work.events)
    done = False
    while not done:
        messages = consumer.consume(5_000, timeout=0.5)
        if messages:
            meter.begin()
        for message in messages:
            _produce(producer, work.target, message)
        producer.poll(0)
        done = meter.add(len(messages))
    producer.flush()
    consumer.commit(asynchronous=False)
    meter.report()
    consumer.close()


def _produce(producer: Producer, target: str, message: object) -> None:
    while True:
        try:
            producer.produce(target, message.value(), message.key(), message.partition())  # type: ignore[attr-defined]
        except BufferError:
            producer.poll(0.05)  # the queue is full: let acknowledgements in
        else:
            return


if __name__ == "__main__":
    main(job())
