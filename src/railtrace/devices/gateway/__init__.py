"""The gateway: stands at the machines, carries their results to the trace, loses none."""
