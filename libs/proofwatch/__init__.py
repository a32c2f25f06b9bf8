"""The parts that Proofwatch's services share: events, bus, biometrics, governance, runtime, simulation."""
