from bridge.fast.plain import joined as joined
from bridge.fast.plain import same_names as same_names
