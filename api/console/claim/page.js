// A claim link opened by a stranger: nothing lives on it but the clocks.

import { startClocks } from "../shared/clocks.js";

startClocks();
