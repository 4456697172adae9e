from bridge.fast.plain import identity as identity
