import { classifySuite } from "./classify-suite.ts";

classifySuite("sqlite");
