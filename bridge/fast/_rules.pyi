from bridge.fast.plain import keeps as keeps
